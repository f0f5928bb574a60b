import { describe, expect, it } from "vitest";
import { runPaced } from "../../../bench/etcd/run-paced.js";

const never = new AbortController().signal;

describe("runPaced", () => {
  it("begins requests at their times, whether those before have ended or not", async () => {
    const begins: number[] = [];
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const start = performance.now();
    const running = runPaced(
      100,
      50,
      (turn) => {
        begins.push(performance.now() - start);
        if (turn === 4) end();
        return ended;
      },
      never,
    );
    expect(await running).toBe(5);
    // A timer of Node may fire a millisecond early.
    begins.forEach((ms, turn) => {
      expect(ms, `request ${turn}`).toBeGreaterThanOrEqual(turn * 10 - 1.5);
    });
  });

  it("makes one request at least", async () => {
    expect(await runPaced(1, 1, async () => {}, never)).toBe(1);
  });

  it("rejects as a request that fails, and with the reason of the signal", async () => {
    const failing = () => Promise.reject(new Error("broken"));
    await expect(runPaced(1_000, 3, failing, never)).rejects.toThrow("broken");
    const ended = AbortSignal.abort(new Error("interrupted"));
    await expect(runPaced(1_000, 3, async () => {}, ended)).rejects.toThrow("interrupted");
    const controller = new AbortController();
    const running = runPaced(1_000, 1, () => new Promise(() => {}), controller.signal);
    controller.abort(new Error("interrupted"));
    await expect(running).rejects.toThrow("interrupted");
  });
});
