import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { AppendError } from "../../../src/sessions/commit-log/log-errors.js";
import { createMemoryLog, createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { decodeLogRecord } from "../../../src/sessions/record/decode-log-record.js";
import type { Entry } from "../../../src/sessions/record/log-record.js";
import { proposedLimits } from "../../../src/sessions/session-limits.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { id, text } from "../table/test-table.js";
import { FaultyLog, newGate } from "./faulty-log.js";
import { foreign, onApplied, openTestLog, register, TestObserver } from "./open-test-log.js";

const failure = (outcome: "not-appended" | "unknown") =>
  new AppendError(outcome, Code.Unavailable, "the disk is full", { reason: "LOG_UNAVAILABLE" });

describe("SessionLog.propose", () => {
  checkLeaks();

  it("appends in the very turn, in the order of the calls, and tells nobody within the call", async () => {
    const log = new FaultyLog(createMemoryLog());
    await using opened = await openTestLog(log);
    const appended: number[] = [];
    log.faults.append = async (real, entry) => {
      appended.push(entry.length);
      return real();
    };
    const told: string[] = [];
    for (const user of ["a", "bb", "ccc"]) {
      opened.log.propose(
        { kind: "call", user, method: "m", payload: text("") },
        onApplied(() => told.push(user)),
      );
    }
    const [first = 0] = appended;
    expect(appended).toEqual([first, first + 1, first + 2]);
    expect(told).toEqual([]);
    await opened.log.barrier();
    expect(told).toEqual(["a", "bb", "ccc"]);
  });

  it("tells the listener before the observer, and both before the next entry is applied", async () => {
    const told: string[] = [];
    const observer = new TestObserver();
    observer.applied = ({ op }) => told.push(`observer ${op}`);
    const store = createMemoryLogStore();
    const raw = store.open();
    await using opened = await openTestLog(store.open(), { observer });
    await raw.genesis(text(""));
    opened.log.propose(
      register(1),
      onApplied((effect, table) => told.push(`listener ${effect.op} at ${table.appliedOp}`)),
    );
    await raw.append(foreign(register(2)));
    opened.log.propose(
      register(3),
      onApplied((effect, table) => told.push(`listener ${effect.op} at ${table.appliedOp}`)),
    );
    await opened.log.waitApplied(4).applied;
    await turn();
    expect(told).toEqual(["listener 2 at 2", "observer 2", "observer 3", "listener 4 at 4", "observer 4"]);
  });

  it("applies what the bytes say, and knows its entries by their ids alone", async () => {
    const store = createMemoryLogStore();
    await using a = await openTestLog(store.open(), { serverId: "a" });
    await using b = await openTestLog(store.open(), { serverId: "b" });
    await a.register(1);
    await b.log.barrier();
    // The same content from two servers, and a text that does not come back from the bytes as it was.
    const both = await Promise.all([a.propose(a.request(1, "\ud800")), b.propose(b.request(1, "\ud800"))]);
    expect(both.map((each) => ("effect" in each ? each.effect.kind : each.error.reason))).toEqual([
      "applied",
      "ignored",
    ]);
    const user = "\udfff";
    await a.effectOf({ kind: "register", client: id(2), user, nonce: id(1), previous: 0 });
    await Promise.all([a.log.barrier(), b.log.barrier()]);
    expect(a.state()).toBe(b.state());
    expect(a.machine.runs).toEqual(b.machine.runs);
  });

  it("stamps entries with whole milliseconds of the wall clock", async () => {
    const log = new FaultyLog(createMemoryLog());
    let nowMs = 5_000.7;
    await using opened = await openTestLog(log, { nowMs: () => nowMs });
    const stamps: number[] = [];
    log.faults.append = (real, entry) => {
      stamps.push(decodeLogRecord(entry).timestampMs);
      return real();
    };
    await opened.register(1);
    nowMs = -3;
    await opened.register(2);
    expect(stamps).toEqual([5_000, 0]);
  });

  it.each([
    { entry: { kind: "verdict", intentOp: 0 }, what: "a field that no version writes" },
    { entry: { kind: "tick", previousOp: 0.5 }, what: "what cannot be encoded" },
    { entry: { ...register(0) }, what: "an id of zeros" },
    {
      entry: {
        kind: "configure",
        previousOp: 0,
        limits: { ...proposedLimits(), maxInFlight: 0 },
        format: 1,
      },
      what: "limits that contradict each other",
    },
  ] satisfies readonly { entry: Entry; what: string }[])(
    "keeps out of the log what nobody could read: $what",
    async ({ entry }) => {
      const log = createMemoryLog();
      await using opened = await openTestLog(log);
      const tail = await log.tail();
      const told: string[] = [];
      opened.log.propose(entry, {
        applied: () => told.push("applied"),
        failed: (_error, outcome) => told.push(outcome),
      });
      expect(told).toEqual([]);
      await turn();
      expect(told).toEqual(["not-appended"]);
      expect(await log.tail()).toBe(tail);
      await opened.register(1);
    },
  );

  it.each(["not-appended", "unknown"] as const)("tells of an append that failed: %s", async (outcome) => {
    const log = new FaultyLog(createMemoryLog());
    await using opened = await openTestLog(log);
    const error = failure(outcome);
    log.faults.append = () => Promise.reject(error);
    expect(await opened.propose(register(1))).toEqual({ error, outcome });
    log.faults.append = undefined;
    await opened.register(2);
    expect(opened.observer.kinds()).toEqual(["registered"]);
  });

  it("tells the observer of appends that failed, once for all that failed with one error", async () => {
    const log = new FaultyLog(createMemoryLog());
    await using opened = await openTestLog(log);
    const errors = [failure("not-appended"), failure("unknown")];
    for (const error of errors) {
      log.faults.append = () => Promise.reject(error);
      await Promise.all([1, 2, 3].map((client) => opened.propose(register(client))));
    }
    expect(opened.observer.appendErrors).toEqual(errors);
    await opened.log.close();
    expect(opened.observer.appendErrors).toHaveLength(2);
  });

  it("takes an error that is none of the log's for an unknown outcome", async () => {
    const log = new FaultyLog(createMemoryLog());
    await using opened = await openTestLog(log);
    log.faults.append = () => Promise.reject(new TypeError("oops"));
    expect(await opened.propose(register(1))).toMatchObject({ outcome: "unknown" });
    log.faults.append = () => {
      throw new TypeError("oops");
    };
    expect(await opened.propose(register(1))).toMatchObject({ outcome: "unknown" });
  });

  it("tells the observer alone of an entry that turns up after its outcome was unknown", async () => {
    const log = new FaultyLog(createMemoryLog());
    await using opened = await openTestLog(log);
    const late = newGate();
    log.faults.append = async (real) => {
      void late.promise.then(real);
      throw failure("unknown");
    };
    const told: string[] = [];
    opened.log.propose(register(1), {
      applied: () => told.push("applied"),
      failed: (_error, outcome) => told.push(outcome),
    });
    await eventually(() => told.length > 0);
    late.open();
    await eventually(() => opened.observer.effects.length > 0);
    expect(told).toEqual(["unknown"]);
    expect(opened.observer.kinds()).toEqual(["registered"]);
    expect(opened.log.table.session(id(1))).toBeDefined();
  });

  it("does not tell of a failure once the entry was applied", async () => {
    const log = new FaultyLog(createMemoryLog());
    await using opened = await openTestLog(log);
    const answered = newGate();
    log.faults.append = async (real) => {
      await real();
      await answered.promise;
      throw failure("unknown");
    };
    const told: string[] = [];
    opened.log.propose(register(1), {
      applied: () => told.push("applied"),
      failed: (_error, outcome) => told.push(outcome),
    });
    await eventually(() => told.length > 0);
    answered.open();
    await turn();
    expect(told).toEqual(["applied"]);
  });

  it("stops when an append finds that the log has lost something", async () => {
    const log = new FaultyLog(createMemoryLog());
    await using opened = await openTestLog(log);
    const error = new AppendError("not-appended", Code.DataLoss, "another cluster", {
      reason: "LOG_REGRESSED",
    });
    log.faults.append = () => Promise.reject(error);
    expect(await opened.propose(register(1))).toEqual({ error, outcome: "not-appended" });
    expect(opened.observer.told).toEqual(["stopped LOG_REGRESSED"]);
  });
});
