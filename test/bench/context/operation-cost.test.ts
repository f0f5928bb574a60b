import { describe, expect, it } from "vitest";
import { operationCost, repeated } from "../../../bench/context/operation-cost.js";

describe("operationCost", () => {
  it("repeats the operation for the time, more and more at once, and divides by how often that was", async () => {
    const batches: number[] = [];
    const before = process.cpuUsage();
    const start = performance.now();
    const micros = await operationCost(40, new AbortController().signal, (times) => {
      batches.push(times);
      repeated(times, () => void Math.hypot(times, 1));
    });
    expect(performance.now() - start).toBeGreaterThanOrEqual(40);
    const { user, system } = process.cpuUsage(before);
    const count = batches.reduce((sum, times) => sum + times);
    expect(batches.slice(0, 4)).toEqual([1, 2, 4, 8]);
    expect(micros).toBeGreaterThan(0);
    expect(micros * count).toBeLessThanOrEqual(user + system);
    // Only what comes before and after is not in it.
    expect(micros * count).toBeGreaterThan((user + system) / 2);
  });

  it("waits for operations that are asynchronous, so that no two batches overlap", async () => {
    let underWay = 0;
    let most = 0;
    await operationCost(2, new AbortController().signal, async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await Promise.resolve();
      underWay -= 1;
    });
    expect({ most, underWay }).toEqual({ most: 1, underWay: 0 });
  });

  it("ends with the reason of the signal, however long it was to work", async () => {
    const interruption = new AbortController();
    const measuring = operationCost(3_600_000, interruption.signal, () => {
      interruption.abort(new Error("interrupted"));
    });
    await expect(measuring).rejects.toThrow("interrupted");
  });
});

describe("repeated", () => {
  it.each([0, 1, 5])("does the operation %i times", (times) => {
    let count = 0;
    repeated(times, () => {
      count += 1;
    });
    expect(count).toBe(times);
  });
});
