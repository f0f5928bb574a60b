import { describe, expect, it } from "vitest";
import { inWindow } from "../../../examples/gateway/client/in-window.js";

describe("inWindow", () => {
  it("works on all items, in their order, with no more than so many at the same time", async () => {
    const begun: number[] = [];
    let now = 0;
    let most = 0;
    await inWindow([0, 1, 2, 3, 4, 5, 6], 3, async (item) => {
      begun.push(item);
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
    });
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(most).toBe(3);
  });

  it("ends the signal of the others when one fails, waits for them, and begins nothing more", async () => {
    const begun: string[] = [];
    const over: string[] = [];
    const work = async (item: string, { signal }: { signal?: AbortSignal }) => {
      begun.push(item);
      if (item === "bad") throw new Error("bad");
      await new Promise((resolve) => signal?.addEventListener("abort", resolve));
      await new Promise((resolve) => setImmediate(resolve));
      over.push(item);
      throw new Error(item);
    };
    await expect(inWindow(["first", "bad", "third"], 2, work)).rejects.toThrow("bad");
    expect(begun).toEqual(["first", "bad"]);
    expect(over).toEqual(["first"]);
  });

  it("hands the signal of its caller on", async () => {
    const caller = new AbortController();
    const reasons: unknown[] = [];
    const working = inWindow(
      ["only"],
      1,
      async (_, { signal }) => {
        await new Promise((resolve) => signal?.addEventListener("abort", resolve));
        reasons.push(signal?.reason);
      },
      caller,
    );
    caller.abort("enough");
    await working;
    expect(reasons).toEqual(["enough"]);
  });
});
