import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { freePorts } from "../../examples/storage/demo/free-ports.js";
import { describeLatencies, summarize } from "../../examples/storage/demo/latencies.js";
import { expect as expectThat, type StepResult, Steps, until } from "../../examples/storage/demo/steps.js";
import { checkLeaks } from "../helpers/leaks.js";

checkLeaks();

describe("Steps", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function startSteps() {
    const told: StepResult[] = [];
    return { told, steps: new Steps(8_000, (result) => told.push(result)) };
  }

  it("tells of each step, and keeps the results", async () => {
    const { told, steps } = startSteps();
    await steps.run("one", async () => "done");
    await steps.run("two", async () => {
      await vi.advanceTimersByTimeAsync(7_999);
      return "done too";
    });
    expect(told).toEqual([
      { name: "one", ok: true, ms: 0, detail: "done" },
      { name: "two", ok: true, ms: 7_999, detail: "done too" },
    ]);
    expect(steps.results).toEqual(told);
    expect(vi.getTimerCount()).toBe(0);
  });

  const error = new Error("no luck");
  it.each([
    { how: "rejects", step: () => Promise.reject(error) },
    {
      how: "throws",
      step: () => {
        throw error;
      },
    },
  ])("tells why a step failed that $how, and throws on", async ({ step }) => {
    const { told, steps } = startSteps();
    await expect(steps.run("one", step)).rejects.toBe(error);
    expect(told).toEqual([{ name: "one", ok: false, ms: 0, detail: "no luck" }]);
    expect(steps.results).toEqual(told);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("fails a step that takes longer than the limit", async () => {
    const { told, steps } = startSteps();
    const failure = steps.run("one", () => new Promise(() => {})).catch(String);
    await vi.advanceTimersByTimeAsync(7_999);
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await failure).toBe("Error: not done within 8000 ms");
    expect(told).toEqual([{ name: "one", ok: false, ms: 8_000, detail: "not done within 8000 ms" }]);
  });

  it("asks until the answer is right", async () => {
    let asked = 0;
    const right = until(
      async () => ++asked,
      (answer) => answer === 3,
    );
    await vi.advanceTimersByTimeAsync(100);
    await expect(right).resolves.toBe(3);
    expect(asked).toBe(3);
  });

  it("stops asking when asking fails", async () => {
    const ask = () => Promise.reject(new Error("gone"));
    await expect(until(ask, () => false)).rejects.toThrow("gone");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("takes what holds, and says what does not", () => {
    expect(() => expectThat(true, "odd")).not.toThrow();
    expect(() => expectThat(false, "odd")).toThrow("odd");
  });
});

describe("freePorts", () => {
  it("finds ports on which one can listen, below those of outgoing connections", async () => {
    const ports = await freePorts(5);
    expect(new Set(ports).size).toBe(5);
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(20_000);
      expect(port).toBeLessThan(32_768);
      const server = createServer().listen(port, "127.0.0.1");
      await once(server, "listening");
      server.close();
      await once(server, "close");
    }
  });

  it("passes over a port on which somebody listens", async () => {
    const [taken = 0] = await freePorts(1);
    const server = createServer().listen(taken, "127.0.0.1");
    await once(server, "listening");
    // The next random number leads to that port, the one after it to its neighbour.
    const random = vi.spyOn(Math, "random");
    random.mockReturnValueOnce((taken - 20_000 + 0.5) / 12_000);
    try {
      expect(await freePorts(1)).not.toContain(taken);
      expect(random.mock.calls.length).toBeGreaterThan(1);
    } finally {
      random.mockRestore();
      server.close();
      await once(server, "close");
    }
  });
});

describe("latencies", () => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  it.each([
    { latencies: [], summary: { count: 0, p50: 0, p99: 0, max: 0 } },
    { latencies: [0.123], summary: { count: 1, p50: 0.12, p99: 0.12, max: 0.12 } },
    { latencies: hundred, summary: { count: 100, p50: 51, p99: 100, max: 100 } },
  ])("are told by median, 99th percentile and maximum: $summary", ({ latencies, summary }) => {
    expect(summarize(latencies)).toEqual(summary);
  });

  it("are described in one line", () => {
    const text = describeLatencies({ count: 120, p50: 0.4, p99: 2.1, max: 3 });
    expect(text).toBe("120 calls, p50 0.4 ms, p99 2.1 ms, max 3 ms");
  });
});
