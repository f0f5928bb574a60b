import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { logUnavailable } from "../../../src/sessions/commit-log/log-errors.js";
import { createMemoryLog } from "../../../src/sessions/commit-log/memory-log.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { FaultyLog, newGate } from "./faulty-log.js";
import { openTestLog, register, TestObserver } from "./open-test-log.js";

describe("SessionLog whose log cannot be read", () => {
  checkLeaks();
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("tells, and tries again, less and less often, until entries come", async () => {
    const log = new FaultyLog(createMemoryLog());
    let isDown = false;
    log.faults.entries = async function* broken(real) {
      if (isDown) throw logUnavailable("no leader");
      for await (const entry of real) {
        yield entry;
        if (isDown) throw logUnavailable("no leader");
      }
    };
    const observer = new TestObserver();
    const waits: number[] = [];
    observer.readFailed = (error, retryMs) => {
      expect(error.reason).toBe("LOG_UNAVAILABLE");
      waits.push(retryMs);
    };
    await using opened = await openTestLog(log, { observer });
    await turn();
    isDown = true;
    await opened.register(1);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(waits.length).toBeGreaterThan(6);
    // 100 ms at first, 3 s in the end, each a fifth more or less.
    expect(waits[0]).toBeLessThanOrEqual(120);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(2_400);
    const late = opened.propose(register(2));
    isDown = false;
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await late).toMatchObject({ effect: { kind: "registered" } });
    waits.length = 0;
    isDown = true;
    await opened.register(3);
    await turn();
    expect(waits).toHaveLength(1);
    expect(waits[0]).toBeLessThanOrEqual(120);
    expect(opened.log.stopped).toBeUndefined();
  });

  it("tells nobody while it is not open yet", async () => {
    const log = new FaultyLog(createMemoryLog());
    let reads = 0;
    log.faults.entries = (real) => {
      reads += 1;
      if (reads === 1) throw logUnavailable("no leader");
      return real;
    };
    const opening = openTestLog(log);
    await turn();
    await vi.advanceTimersByTimeAsync(200);
    await using opened = await opening;
    expect(reads).toBe(2);
    expect(opened.observer.told).toEqual([]);
  });

  it.each([
    { what: "is damaged", error: new QuorateError(Code.DataLoss, "bad", { reason: "LOG_CORRUPT" }) },
    { what: "is closed by somebody else", error: undefined },
  ])("stops if the log $what", async ({ error }) => {
    const log = new FaultyLog(createMemoryLog());
    const end = newGate();
    log.faults.entries = async function* one(real) {
      for await (const entry of real) {
        yield entry;
        await end.promise;
        if (error !== undefined) throw error;
        return;
      }
    };
    await using opened = await openTestLog(log);
    end.open();
    await turn();
    expect(opened.observer.told).toEqual([`stopped ${error?.reason ?? "CLOSED"}`]);
  });

  it("does not hold up a close while it waits to try again", async () => {
    const log = new FaultyLog(createMemoryLog());
    log.faults.entries = async function* one(real) {
      for await (const entry of real) {
        yield entry;
        throw logUnavailable("no leader");
      }
    };
    const opened = await openTestLog(log);
    await turn();
    await opened.log.close();
    expect(opened.observer.told).toEqual(["readFailed LOG_UNAVAILABLE"]);
  });
});
