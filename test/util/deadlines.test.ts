import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type CancelDeadline,
  deadlineAfter,
  granularityMs,
  monotonicMs,
  openDeadlines,
  scheduleDeadline,
} from "../../internal/util/deadlines.js";
import { checkLeaks } from "../helpers/leaks.js";

checkLeaks();

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  const timers = vi.getTimerCount();
  vi.useRealTimers();
  if (timers > 0) throw new Error(`the test left ${timers} fake timers`);
});

/** Schedules so far from now; what expired is noted by name. */
function recorder() {
  const expired: string[] = [];
  const schedule = (name: string, timeoutMs: number, then: () => void = () => {}) =>
    scheduleDeadline(deadlineAfter(timeoutMs), () => {
      expired.push(name);
      then();
    });
  return { expired, schedule };
}

describe("scheduleDeadline", () => {
  it("expires each deadline once, never early and at most the granularity late, but not the cancelled ones", () => {
    const deadlines = fc.record({
      // Fractions too: the clock has them, and those between two buckets.
      timeoutMs: fc.oneof(fc.double({ min: -20, max: 300, noNaN: true }), fc.integer({ min: -10, max: 300 })),
      cancelAfterMs: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(deadlines, { maxLength: 30 }), fc.integer({ min: 1, max: 7 }), (list, stepMs) => {
        const startedAt = monotonicMs();
        const made = list.map(({ timeoutMs, cancelAfterMs }) => {
          const expiredAt: number[] = [];
          const deadline = startedAt + timeoutMs;
          const cancel = scheduleDeadline(deadline, () => expiredAt.push(monotonicMs()));
          return { deadline, cancel, cancelAfterMs, cancelledAt: Number.POSITIVE_INFINITY, expiredAt };
        });
        for (let passedMs = 0; passedMs <= 310; passedMs += stepMs) {
          for (const one of made.filter(({ cancelAfterMs = Infinity }) => cancelAfterMs <= passedMs)) {
            one.cancel();
            one.cancelledAt = Math.min(one.cancelledAt, monotonicMs());
          }
          vi.advanceTimersByTime(stepMs);
        }
        for (const { deadline, cancelledAt, expiredAt } of made) {
          const due = Math.max(deadline, startedAt);
          // A cancel within the granularity may come before or after.
          const allowed = cancelledAt < due ? [0] : cancelledAt > due + granularityMs ? [1] : [0, 1];
          expect(allowed).toContain(expiredAt.length);
          expect(expiredAt.filter((at) => at < due || at > due + granularityMs)).toEqual([]);
        }
        expect([openDeadlines(), vi.getTimerCount()]).toEqual([0, 0]);
      }),
      { numRuns: 150 },
    );
  });

  it("expires in the order of time, and at one time in the order of scheduling", () => {
    const { expired, schedule } = recorder();
    schedule("late", 100);
    schedule("first at 40", 40);
    schedule("soon", 10);
    schedule("second at 40", 40);
    schedule("third at 40", 40);
    vi.advanceTimersByTime(200);
    expect(expired).toEqual(["soon", "first at 40", "second at 40", "third at 40", "late"]);
  });

  it("keeps the order when the event loop was held up beyond several deadlines", () => {
    const { expired, schedule } = recorder();
    schedule("c", 90);
    schedule("a", 10);
    schedule("b", 50);
    const blocked = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 500);
    vi.advanceTimersByTime(12);
    expect(expired).toEqual(["a", "b", "c"]);
    blocked.mockRestore();
  });

  it.each([0, -5, -1e9, Number.NEGATIVE_INFINITY])(
    "expires soon, but not within the call, for %d ms",
    (timeoutMs) => {
      const { expired, schedule } = recorder();
      schedule("past", timeoutMs);
      expect(expired).toEqual([]);
      vi.advanceTimersByTime(granularityMs);
      expect(expired).toEqual(["past"]);
    },
  );

  it("never expires at Infinity and holds no timer for it", () => {
    const { expired, schedule } = recorder();
    const cancel = schedule("never", Number.POSITIVE_INFINITY);
    expect(deadlineAfter(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect([openDeadlines(), vi.getTimerCount()]).toEqual([0, 0]);
    vi.advanceTimersByTime(2 ** 32);
    cancel();
    expect(expired).toEqual([]);
  });

  it.each([2 ** 31 - 1, 2 ** 31, 2 ** 31 + 5_000, 2 ** 33])(
    "waits %d ms, more than one timer can",
    (timeoutMs) => {
      const { expired, schedule } = recorder();
      schedule("far", timeoutMs);
      vi.advanceTimersByTime(timeoutMs - 1);
      expect(expired).toEqual([]);
      vi.advanceTimersByTime(1 + granularityMs);
      expect(expired).toEqual(["far"]);
    },
  );

  it("expires a near deadline while a far one is open", () => {
    const { expired, schedule } = recorder();
    const cancelFar = schedule("far", 2 ** 32);
    vi.advanceTimersByTime(1_000);
    schedule("near", 20);
    vi.advanceTimersByTime(20 + granularityMs);
    expect(expired).toEqual(["near"]);
    cancelFar();
  });

  it("shares one timer among all deadlines", () => {
    const { schedule } = recorder();
    const cancels = [300, 10, 200, 10, 5].map((timeoutMs) => schedule("", timeoutMs));
    expect([openDeadlines(), vi.getTimerCount()]).toEqual([5, 1]);
    for (const cancel of cancels) cancel();
  });

  it("counts what is open and leaves no timer once nothing is", () => {
    const { schedule } = recorder();
    const first = schedule("first", 10);
    const second = schedule("second", 10);
    const third = schedule("third", 50);
    first();
    expect(openDeadlines()).toBe(2);
    second();
    third();
    expect([openDeadlines(), vi.getTimerCount()]).toEqual([0, 0]);
  });
});

describe("the cancel of a deadline", () => {
  it("keeps it from expiring, and its neighbours not", () => {
    const { expired, schedule } = recorder();
    schedule("a", 20);
    const cancel = schedule("b", 20);
    schedule("c", 20);
    cancel();
    vi.advanceTimersByTime(100);
    expect(expired).toEqual(["a", "c"]);
  });

  it("does nothing the second time, even where others have come to the same time since", () => {
    const { expired, schedule } = recorder();
    const cancel = schedule("a", 20);
    cancel();
    schedule("b", 20);
    cancel();
    expect(openDeadlines()).toBe(1);
    vi.advanceTimersByTime(100);
    expect(expired).toEqual(["b"]);
  });

  it("does nothing after it expired", () => {
    const { expired, schedule } = recorder();
    const cancel = schedule("a", 20);
    vi.advanceTimersByTime(50);
    const other = schedule("b", 20);
    cancel();
    expect([openDeadlines(), expired.length]).toEqual([1, 1]);
    other();
  });

  it("of the nearest leaves the others on time", () => {
    const { expired, schedule } = recorder();
    const cancel = schedule("near", 10);
    schedule("far", 500);
    cancel();
    vi.advanceTimersByTime(499);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1 + granularityMs);
    expect(expired).toEqual(["far"]);
  });
});

describe("within what a deadline calls", () => {
  it("a new deadline may be scheduled, also one that is due", () => {
    const { expired, schedule } = recorder();
    schedule("outer", 10, () => {
      schedule("due", 0, () => schedule("due again", -100));
      schedule("later", 40);
    });
    vi.advanceTimersByTime(10 + 3 * granularityMs);
    expect(expired).toEqual(["outer", "due", "due again"]);
    vi.advanceTimersByTime(60);
    expect(expired).toEqual(["outer", "due", "due again", "later"]);
  });

  it("a deadline that is always scheduled anew does not hold up the clock", () => {
    let rounds = 0;
    let cancel: CancelDeadline = () => {};
    const again = () => {
      rounds += 1;
      cancel = scheduleDeadline(monotonicMs(), again);
    };
    again();
    vi.advanceTimersByTime(100 * granularityMs);
    cancel();
    expect(rounds).toBe(101);
  });

  it.each<[what: string, timeoutMs: number]>([
    ["the same time", 10],
    ["a later time that is due as well", 20],
    ["a time that is not due", 60],
  ])("one of %s may be cancelled", (_, timeoutMs) => {
    const { expired, schedule } = recorder();
    let cancel: CancelDeadline = () => {};
    schedule("first", 10, () => cancel());
    cancel = schedule("cancelled", timeoutMs);
    schedule("last", timeoutMs);
    const blocked = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 30);
    vi.advanceTimersByTime(12);
    blocked.mockRestore();
    vi.advanceTimersByTime(100);
    expect(expired).toEqual(["first", "last"]);
  });

  it("the last open one may be cancelled, and itself", () => {
    const { expired, schedule } = recorder();
    let self: CancelDeadline = () => {};
    let other: CancelDeadline = () => {};
    self = schedule("self", 10, () => {
      self();
      other();
    });
    other = schedule("other", 500);
    vi.advanceTimersByTime(10 + granularityMs);
    expect(expired).toEqual(["self"]);
    expect([openDeadlines(), vi.getTimerCount()]).toEqual([0, 0]);
  });

  it("an error is thrown on as an uncaught one; all others expire", () => {
    const { expired, schedule } = recorder();
    const error = new Error("from the callback");
    const microtasks: (() => void)[] = [];
    vi.stubGlobal("queueMicrotask", (task: () => void) => microtasks.push(task));
    try {
      schedule("before", 10);
      schedule("throws", 10, () => {
        throw error;
      });
      schedule("same time", 10);
      schedule("later", 50);
      vi.advanceTimersByTime(100);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(expired).toEqual(["before", "throws", "same time", "later"]);
    expect(microtasks).toHaveLength(1);
    expect(microtasks[0]).toThrow(error);
  });
});
