import { describe, expect, it } from "vitest";
import {
  deadlineAfter,
  monotonicMs,
  openDeadlines,
  scheduleDeadline,
} from "../../internal/util/deadlines.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";

checkLeaks();

const expiry = (deadline: number) =>
  new Promise<number>((resolve) => {
    scheduleDeadline(deadline, () => resolve(monotonicMs()));
  });

describe("deadlines in real time", () => {
  it("never expire early, whatever the clock of the timers says", async () => {
    const deadlines = Array.from({ length: 200 }, (_, index) => deadlineAfter(index * 0.37));
    const early = (await Promise.all(deadlines.map(expiry)))
      .map((at, index) => at - (deadlines[index] ?? Number.NaN))
      .filter((lateMs) => !(lateMs >= 0));
    expect(early).toEqual([]);
    expect(openDeadlines()).toBe(0);
  });

  it("expire in order, those scheduled from an expired one included", async () => {
    const expired: number[] = [];
    const chain = (length: number): void => {
      scheduleDeadline(deadlineAfter(5), () => {
        expired.push(length);
        if (length > 0) chain(length - 1);
      });
    };
    chain(5);
    await eventually(() => expired.length === 6, "the chain");
    expect(expired).toEqual([5, 4, 3, 2, 1, 0]);
  });

  it("reach the process as an uncaught error where one throws, and the others expire", async () => {
    const error = new Error("from the callback");
    const uncaught: unknown[] = [];
    process.setUncaughtExceptionCaptureCallback((thrown) => uncaught.push(thrown));
    try {
      const deadline = deadlineAfter(5);
      scheduleDeadline(deadline, () => {
        throw error;
      });
      await expiry(deadline);
      await expiry(deadlineAfter(5));
      await eventually(() => uncaught.length > 0, "the uncaught error");
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
    }
    expect(uncaught).toEqual([error]);
  });
});
