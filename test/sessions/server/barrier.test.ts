import { afterEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { logUnavailable } from "../../../src/sessions/commit-log/log-errors.js";
import { createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { AppliedWaits } from "../../../src/sessions/server/applied-waits.js";
import { Barrier } from "../../../src/sessions/server/barrier.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { id } from "../table/test-table.js";
import { FaultyLog, type Gate, newGate, slowed } from "./faulty-log.js";
import { openTestLog } from "./open-test-log.js";

/** A barrier over a log whose answers the test gives. */
function openBarrier(appliedOp = 0, maxWaitMs = 30_000) {
  const waits = new AppliedWaits(appliedOp);
  const tails: Gate<number>[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const lost: QuorateError[] = [];
  const ended = new AbortController();
  let applied = appliedOp;
  const barrier = new Barrier({
    log: {
      tail: ({ signal } = {}) => {
        const gate = newGate<number>();
        tails.push(gate);
        signals.push(signal);
        return gate.promise;
      },
    },
    appliedOp: () => applied,
    waitApplied: (op) => waits.wait(op),
    maxWaitMs,
    ended: ended.signal,
    lost: (error) => {
      lost.push(error);
      ended.abort(
        new QuorateError(Code.Unavailable, "stopped", { reason: "SESSIONS_STOPPED", cause: error }),
      );
    },
  });
  const apply = (op: number) => {
    applied = op;
    waits.advance(op);
  };
  return { barrier, tails, signals, lost, ended, waits, apply };
}

/** What has become of it by now. */
function track(promise: Promise<void>): { state: string } {
  const tracked = { state: "waits" };
  promise.then(
    () => {
      tracked.state = "passed";
    },
    (error: unknown) => {
      tracked.state = error instanceof QuorateError ? (error.reason ?? `code ${error.code}`) : "other";
    },
  );
  return tracked;
}

describe("Barrier", () => {
  checkLeaks();
  afterEach(() => {
    vi.useRealTimers();
  });

  it("passes once the tail is applied", async () => {
    const { barrier, tails, apply } = openBarrier();
    const wait = track(barrier.wait());
    tails[0]?.open(5);
    await turn();
    apply(4);
    await turn();
    expect(wait.state).toBe("waits");
    apply(6);
    await turn();
    expect(wait.state).toBe("passed");
  });

  it("is not shared once it was sent: a later caller gets the next one, with all who come meanwhile", async () => {
    const { barrier, tails, apply } = openBarrier();
    const first = track(barrier.wait());
    const later = [track(barrier.wait()), track(barrier.wait())];
    expect(tails).toHaveLength(1);
    tails[0]?.open(3);
    apply(3);
    await turn();
    expect([first, ...later].map(({ state }) => state)).toEqual(["passed", "waits", "waits"]);
    expect(tails).toHaveLength(2);
    const last = track(barrier.wait());
    tails[1]?.open(4);
    apply(4);
    await turn();
    expect([...later, last].map(({ state }) => state)).toEqual(["passed", "passed", "waits"]);
    tails[2]?.open(4);
    await turn();
    expect(last.state).toBe("passed");
    expect(tails).toHaveLength(3);
  });

  it("shows a read the write that was acknowledged while another barrier was under way", async () => {
    const store = createMemoryLogStore();
    let held: Promise<void> = Promise.resolve();
    const log = new FaultyLog(store.open(), { entries: slowed(() => held) });
    await using reader = await openTestLog(log, { serverId: "reader" });
    await using writer = await openTestLog(store.open(), { serverId: "writer" });
    await reader.log.barrier();
    // The answer to the first one is on its way, and old already, when the write happens.
    const answer = newGate();
    log.faults.tail = async (real) => {
      log.faults.tail = undefined;
      const tail = await real();
      await answer.promise;
      return tail;
    };
    // The reader lags, so that nothing but its own barrier brings it to the write.
    const goesOn = newGate();
    held = goesOn.promise;
    const early = reader.log.barrier();
    await writer.register(1);
    const late = reader.log.barrier().then(() => reader.log.table.session(id(1)) !== undefined);
    answer.open();
    await early;
    expect(reader.log.table.session(id(1))).toBeUndefined();
    goesOn.open();
    expect(await late).toBe(true);
  });

  it("ends one caller's wait with its signal, and makes none for callers that have all left", async () => {
    const { barrier, tails, apply } = openBarrier();
    const leaving = new AbortController();
    const stays = track(barrier.wait());
    const shared = [track(barrier.wait({ signal: leaving.signal })), track(barrier.wait())];
    const reason = new QuorateError(Code.DeadlineExceeded, "too late", { reason: "LATE" });
    leaving.abort(reason);
    await turn();
    expect(shared.map(({ state }) => state)).toEqual(["LATE", "waits"]);
    tails[0]?.open(0);
    await turn();
    expect(stays.state).toBe("passed");
    tails[1]?.open(0);
    await turn();
    expect(shared[1]?.state).toBe("passed");

    const busy = track(barrier.wait());
    const left = new AbortController();
    const gone = track(barrier.wait({ signal: left.signal }));
    left.abort();
    tails[2]?.open(0);
    await turn();
    expect([busy.state, gone.state]).toEqual(["passed", `code ${Code.Canceled}`]);
    expect(tails).toHaveLength(3);
    apply(1);
    // It serves again.
    const again = track(barrier.wait());
    tails[3]?.open(1);
    await turn();
    expect(again.state).toBe("passed");
    expect(track(barrier.wait({ signal: left.signal }))).toBeDefined();
    expect(tails).toHaveLength(4);
  });

  it("fails if the log does not answer in time, for those too who wait for the next one", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const { barrier, tails, signals } = openBarrier(0, 1_000);
    const first = track(barrier.wait());
    vi.advanceTimersByTime(600);
    const second = track(barrier.wait());
    vi.advanceTimersByTime(300);
    const third = track(barrier.wait());
    vi.advanceTimersByTime(110);
    await turn();
    expect([first, second, third].map(({ state }) => state)).toEqual(["LOG_UNAVAILABLE", "waits", "waits"]);
    expect(signals[0]?.aborted).toBe(true);
    expect(tails).toHaveLength(2);
    vi.advanceTimersByTime(600);
    await turn();
    expect([second, third].map(({ state }) => state)).toEqual(["LOG_UNAVAILABLE", "waits"]);
    tails[1]?.open(0);
    await turn();
    expect(third.state).toBe("passed");
  });

  it("fails if the state does not get there in time, and leaves no wait behind", async () => {
    const { barrier, tails, waits } = openBarrier(0, 5);
    const wait = barrier.wait();
    tails[0]?.open(7);
    await expect(wait).rejects.toMatchObject({ code: Code.Unavailable, reason: "LOG_UNAVAILABLE" });
    await turn();
    expect(waits.size).toBe(0);
  });

  it.each([
    { what: "as it is", error: logUnavailable("no leader") },
    { what: "as what it means", error: new TypeError("socket") },
    { what: "as what it means", error: new QuorateError(Code.Canceled, "canceled", { reason: "OTHER" }) },
  ])("passes the log's error on, $what", async ({ error }) => {
    const { barrier, tails, lost } = openBarrier();
    const wait = barrier.wait();
    tails[0]?.fail(error);
    await expect(wait).rejects.toMatchObject({ code: Code.Unavailable, reason: "LOG_UNAVAILABLE" });
    expect(lost).toEqual([]);
  });

  it("tells that the log ends below what was applied when it was asked", async () => {
    const { barrier, tails, lost, apply } = openBarrier(5);
    const waits = [barrier.wait(), barrier.wait()];
    apply(9);
    tails[0]?.open(4);
    const error = { reason: "SESSIONS_STOPPED", cause: { code: Code.DataLoss, reason: "LOG_REGRESSED" } };
    await expect(waits[0]).rejects.toMatchObject(error);
    await expect(waits[1]).rejects.toMatchObject(error);
    expect(lost).toHaveLength(1);
    expect(tails).toHaveLength(1);
  });

  it("does not take what was applied after the question for a regress", async () => {
    const { barrier, tails, lost, apply } = openBarrier(5);
    const wait = barrier.wait();
    apply(9);
    tails[0]?.open(5);
    await wait;
    expect(lost).toEqual([]);
  });

  it("ends with the log, for all who wait and all who come", async () => {
    const { barrier, tails, ended } = openBarrier();
    const waits = [barrier.wait(), barrier.wait()];
    ended.abort(new QuorateError(Code.Unavailable, "closed", { reason: "RETRY" }));
    for (const wait of waits) await expect(wait).rejects.toMatchObject({ reason: "RETRY" });
    await expect(barrier.wait()).rejects.toMatchObject({ reason: "RETRY" });
    expect(tails).toHaveLength(1);
  });
});
