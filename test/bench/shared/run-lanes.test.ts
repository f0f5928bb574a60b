import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runLanes } from "../../../bench/shared/run-lanes.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";

checkLeaks();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Calls that end when they are told to, in the order in which they were made. */
function openCalls() {
  const open: ((error: Error | undefined) => void)[] = [];
  let made = 0;
  return {
    call: () => {
      made += 1;
      return new Promise<void>((resolve, reject) => {
        open.push((error) => (error === undefined ? resolve() : reject(error)));
      });
    },
    made: () => made,
    end: async (error?: Error) => {
      open.shift()?.(error);
      await turn();
    },
  };
}

describe("runLanes", () => {
  it("[W-34] makes calls in all lanes at the same time, and in each the next one after the one before", async () => {
    const calls = openCalls();
    const run = runLanes(3, 100, calls.call);
    expect(calls.made()).toBe(3);
    await turn();
    expect(calls.made()).toBe(3);
    await calls.end();
    expect(calls.made()).toBe(4);
    await calls.end();
    expect(calls.made()).toBe(5);
    vi.advanceTimersByTime(100);
    for (let left = 3; left > 0; left--) await calls.end();
    await run;
    expect(calls.made()).toBe(5);
  });

  it("goes on until the time is over, and then waits for the calls that are under way", async () => {
    const calls = openCalls();
    let over = false;
    const run = runLanes(1, 100, calls.call).then(() => {
      over = true;
    });
    vi.advanceTimersByTime(99);
    await calls.end();
    expect(calls.made()).toBe(2);
    vi.advanceTimersByTime(1);
    await turn();
    expect(over).toBe(false);
    await calls.end();
    await run;
    expect(calls.made()).toBe(2);
  });

  it("ends all lanes with the error of a call that fails, when the others have ended", async () => {
    const calls = openCalls();
    let over = false;
    const failed = runLanes(2, 100, calls.call).then(
      () => "nothing",
      (error: unknown) => {
        over = true;
        return error;
      },
    );
    await calls.end(new Error("lost"));
    expect(over).toBe(false);
    await calls.end();
    expect(await failed).toEqual(new Error("lost"));
    expect(calls.made()).toBe(2);
  });

  it("makes no call in no time", async () => {
    const calls = openCalls();
    await runLanes(5, 0, calls.call);
    expect(calls.made()).toBe(0);
  });
});
