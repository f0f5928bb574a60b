import { describe, expect, it } from "vitest";
import { delaysOf, EventTimes, sharedClockMs, withAppendTimes } from "../../../bench/etcd/event-times.js";
import { createMemoryLog } from "../../../src/sessions/commit-log/memory-log.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

describe("EventTimes", () => {
  it("gives what was noted once", () => {
    const times = new EventTimes();
    const before = sharedClockMs();
    times.begun(1, 5);
    times.seen(2);
    const { begun, seen } = times.take();
    expect({ begun, seen: seen.map(([id]) => id) }).toEqual({ begun: [[1, 5]], seen: [2] });
    const at = seen[0]?.[1] ?? 0;
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(sharedClockMs());
    expect(times.take()).toEqual({ begun: [], seen: [] });
  });
});

describe("delaysOf", () => {
  it("counts what both have noted, by its id", () => {
    const writer = {
      begun: [
        [1, 10],
        [2, 20],
        [3, 30],
      ] as const,
    };
    const reader = {
      seen: [
        [2, 24],
        [1, 11.5],
        [9, 100],
      ] as const,
    };
    expect(delaysOf(writer, reader)).toEqual([4, 1.5]);
  });
});

describe("a log with append times", () => {
  it("is that log, and notes when each append was called", async () => {
    const times = new EventTimes();
    await using log = withAppendTimes(createMemoryLog(), times);
    const genesis = new Uint8Array([1]);
    expect(await log.genesis(genesis)).toEqual(genesis);
    const before = sharedClockMs();
    const appending = log.append(new Uint8Array([2]));
    const after = sharedClockMs();
    const op = await appending;
    const { begun } = times.take();
    expect(begun.map(([id]) => id)).toEqual([op]);
    expect(begun[0]?.[1]).toBeGreaterThanOrEqual(before);
    expect(begun[0]?.[1]).toBeLessThanOrEqual(after);
    expect(await log.tail()).toBe(op);
    for await (const found of log.entries(0)) {
      expect(found).toEqual({ op, entry: new Uint8Array([2]) });
      break;
    }
    expect(await log.saveSnapshot(op, genesis)).toBe(true);
    expect(await log.loadSnapshot()).toEqual({ op, bytes: genesis });
    await log.close();
    await expect(log.tail()).rejects.toMatchObject({ reason: "CLOSED" });
  });
});
