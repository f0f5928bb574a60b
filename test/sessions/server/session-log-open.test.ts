import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { AppendError, LogTruncated, logUnavailable } from "../../../src/sessions/commit-log/log-errors.js";
import { createMemoryLog, createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { proposedLimits } from "../../../src/sessions/session-limits.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { logCases } from "../commit-log/log-cases.js";
import { id } from "../table/test-table.js";
import { FaultyLog, type LogFaults, newGate, slowed } from "./faulty-log.js";
import { foreign, openTestLog, register, TestMachine, TestObserver } from "./open-test-log.js";

/** Small enough for all logs of the cases. */
const sizes = { maxRequestBytes: 10_000, maxReplyBytes: 10_000 };

describe("SessionLog.open", () => {
  checkLeaks();

  for (const { prepare } of logCases) prepare?.();

  it.each(logCases)("comes back to the same state: $name", async ({ create }) => {
    await using under = await create();
    let state = "";
    let clusterId = "";
    {
      await using first = await openTestLog(await under.open(), { limits: sizes });
      await first.register(1);
      await first.effectOf(first.request(1));
      ({ clusterId } = first.log.table);
      state = first.state();
    }
    const machine = new TestMachine();
    await using again = await openTestLog(await under.open(), { machine });
    expect(again.log.table.clusterId).toBe(clusterId);
    expect(again.log.table.session(id(1))).toMatchObject({ highest: 1 });
    expect(machine.runs).toHaveLength(1);
    // A ServerUp stands behind what was there.
    expect(again.state()).not.toBe(state);
    expect(again.log.table.entries).toBe(4);
  });

  it("gives two servers that start at once on an empty log the same one", async () => {
    const store = createMemoryLogStore();
    const opening = openTestLog(store.open(), { serverId: "a" });
    await using b = await openTestLog(store.open(), { serverId: "b" });
    await using a = await opening;
    expect(a.log.table.clusterId).toMatch(/^[0-9a-f]{32}$/);
    expect(b.log.table.clusterId).toBe(a.log.table.clusterId);
    await Promise.all([a.log.barrier(), b.log.barrier()]);
    expect(b.state()).toBe(a.state());
  });

  it("takes the limits that are left out from the log", async () => {
    const store = createMemoryLogStore();
    await using first = await openTestLog(store.open(), { limits: { maxSessions: 10, maxInFlight: 3 } });
    await using second = await openTestLog(store.open(), { limits: { maxSessions: 10 } });
    expect(second.log.table.limits).toEqual(first.log.table.limits);
    expect(second.log.table.limits).toMatchObject({ maxSessions: 10, maxInFlight: 3 });
  });

  it("refuses other limits than those by the end of the log, and appends nothing", async () => {
    const store = createMemoryLogStore();
    const raw = store.open();
    {
      await using first = await openTestLog(store.open(), { limits: { maxSessions: 10 } });
      const limits = proposedLimits({ maxSessions: 20 });
      await first.effectOf({ kind: "configure", previousOp: 0, limits, format: 1 });
    }
    const tail = await raw.tail();
    await expect(openTestLog(store.open(), { limits: { maxSessions: 10 } })).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      reason: "LIMITS_DIFFER",
    });
    expect(await raw.tail()).toBe(tail);
    await using again = await openTestLog(store.open(), { limits: { maxSessions: 20 } });
    expect(again.log.table.limits.maxSessions).toBe(20);
  });

  it("does not begin a log with limits that no entry could hold", async () => {
    const log = createMemoryLog({ maxEntryBytes: 5_000 });
    await expect(openTestLog(log)).rejects.toMatchObject({ code: Code.InvalidArgument });
    const small = { maxRequestBytes: 1_000, maxReplyBytes: 1_000 };
    await using opened = await openTestLog(log, { limits: small });
    expect(opened.log.table.limits).toMatchObject(small);
  });

  it("measures an old log by what it says, not by the defaults of what is left out", async () => {
    const log = createMemoryLogStore({ maxEntryBytes: 5_000 });
    const limits = { maxRequestBytes: 1_000, maxReplyBytes: 1_000, idleTimeoutMs: 900, guardTimeoutMs: 500 };
    await openTestLog(log.open(), { limits: { ...limits, tickMs: 100 } }).then((each) => each.log.close());
    await using again = await openTestLog(log.open(), { limits: { idleTimeoutMs: 900 } });
    expect(again.log.table.limits).toMatchObject(limits);
    await expect(openTestLog(log.open(), { maxMessageBytes: 1_500 })).rejects.toMatchObject({
      code: Code.InvalidArgument,
    });
  });

  it("tells the observer nothing of what was before, and does not take long turns to read it", async () => {
    const store = createMemoryLogStore();
    const raw = store.open();
    await openTestLog(store.open()).then((each) => each.log.close());
    await raw.genesis(new Uint8Array());
    for (let client = 1; client <= 1_000; client++) await raw.append(foreign(register(client), client));
    let turns = 0;
    let isOpen = false;
    const count = (): void => {
      turns += 1;
      if (!isOpen) setImmediate(count);
    };
    setImmediate(count);
    const observer = new TestObserver();
    await using opened = await openTestLog(store.open(), { observer });
    isOpen = true;
    expect(opened.log.table.size).toBe(1_000);
    expect(turns).toBeGreaterThan(10);
    expect(observer.told).toEqual([]);
  });

  it("tells of what comes right after it once whoever opens has the log", async () => {
    const store = createMemoryLogStore();
    const raw = store.open();
    const told: string[] = [];
    const observer = new TestObserver();
    observer.applied = ({ op }) => told.push(`${op} ${isOpen}`);
    let isOpen = false;
    const log = new FaultyLog(store.open(), {
      append: async (real) => {
        await raw.append(foreign({ kind: "serverUp", serverId: "b" }, 1));
        const op = await real();
        await raw.append(foreign({ kind: "serverUp", serverId: "b" }, 2));
        return op;
      },
      genesis: async (real) => raw.genesis(await real()),
    });
    await using opened = await openTestLog(log, { observer });
    isOpen = true;
    await opened.log.waitApplied(3).applied;
    // 1 and the own 2 belong to the opening.
    expect(told).toEqual(["3 true"]);
  });

  it("goes on from a snapshot that another server stores while the entries are read", async () => {
    const store = createMemoryLogStore();
    await using other = await openTestLog(store.open(), { snapshotEvery: 10, serverId: "b" });
    for (let client = 1; client <= 5; client++) await other.register(client);
    const gate = newGate();
    const opening = openTestLog(new FaultyLog(store.open(), { entries: slowed(() => gate.promise) }));
    for (let client = 6; client <= 12; client++) await other.register(client);
    await eventually(() => other.observer.told.some((each) => each.startsWith("snapshotSaved")));
    gate.open();
    await using opened = await opening;
    await other.log.barrier();
    expect(opened.log.table.size).toBe(12);
    expect(opened.state()).toBe(other.state());
  });

  it.each([
    { end: "genesis", faults: { genesis: () => new Promise<never>(() => {}) } },
    { end: "loading the snapshot", faults: { loadSnapshot: () => new Promise<never>(() => {}) } },
    { end: "tail", faults: { tail: () => new Promise<never>(() => {}) } },
    { end: "the entries", faults: { entries: slowed(() => new Promise(() => {})) } },
    { end: "ServerUp", faults: { append: () => new Promise<never>(() => {}) } },
  ])("ends with its signal while it waits for $end", async ({ end, faults }) => {
    const store = createMemoryLogStore();
    if (end === "the entries") await openTestLog(store.open()).then((each) => each.log.close());
    const ending = new AbortController();
    const log = new FaultyLog(store.open(), faults);
    const observer = new TestObserver();
    const opening = openTestLog(log, { signal: ending.signal, observer });
    await turn();
    ending.abort(logUnavailable("enough"));
    await expect(opening).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE", message: "quorate: enough" });
    expect(observer.told).toEqual([]);
    // It is still the caller's.
    expect(await log.real.tail()).toBeGreaterThanOrEqual(0);
    await log.close();
  });

  it("ends with the log", async () => {
    const store = createMemoryLogStore();
    await openTestLog(store.open()).then((each) => each.log.close());
    const log = new FaultyLog(store.open(), { entries: closedMidway(() => log.real.close()) });
    await expect(openTestLog(log)).rejects.toMatchObject({ code: Code.Unavailable, reason: "CLOSED" });
  });

  it.each(["genesis", "tail", "append"] as const)("does not wait for %s for ever", async (step) => {
    const log = new FaultyLog(createMemoryLog(), { [step]: () => new Promise<never>(() => {}) });
    await expect(openTestLog(log, { maxWaitMs: 5 })).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
  });

  it("fails as the append of its ServerUp does", async () => {
    const error = new AppendError("not-appended", Code.Unavailable, "full", { reason: "LOG_UNAVAILABLE" });
    const log = new FaultyLog(createMemoryLog(), { append: () => Promise.reject(error) });
    await expect(openTestLog(log)).rejects.toBe(error);
  });

  it("proposes its ServerUp once more if a snapshot has come in between", async () => {
    const store = createMemoryLogStore();
    await using other = await openTestLog(store.open(), { serverId: "b", snapshotEvery: 1 });
    let reads = 0;
    const log = new FaultyLog(store.open(), {
      entries: async function* once(real, from) {
        reads += 1;
        if (reads === 1) {
          await eventually(() => other.observer.told.includes("snapshotSaved 3"));
          throw new LogTruncated(from, 3);
        }
        yield* real;
      },
      append: async (real) => {
        const op = await real();
        if (op === 2) await other.register(1);
        return op;
      },
    });
    await using opened = await openTestLog(log, { limits: {} });
    await other.log.barrier();
    expect(opened.log.table.entries).toBe(4);
    expect(opened.state()).toBe(other.state());
  });

  it("rejects with what an entry stops it with, and leaves nothing behind", async () => {
    const store = createMemoryLogStore();
    await openTestLog(store.open()).then((each) => each.log.close());
    const raw = store.open();
    const genesis = await raw.genesis(new Uint8Array());
    expect(genesis.length).toBeGreaterThan(0);
    await raw.append(new Uint8Array([255]));
    const observer = new TestObserver();
    await expect(openTestLog(store.open(), { observer })).rejects.toMatchObject({ reason: "DAMAGED_ENTRY" });
    expect(observer.told).toEqual([]);
  });

  it("rejects with what comes between the end of the log and its ServerUp", async () => {
    const store = createMemoryLogStore();
    const raw = store.open();
    const log = new FaultyLog(store.open(), {
      genesis: async (real) => raw.genesis(await real()),
      append: async (real) => {
        await raw.append(new Uint8Array([255]));
        return real();
      },
    });
    const observer = new TestObserver();
    await expect(openTestLog(log, { observer })).rejects.toMatchObject({ reason: "DAMAGED_ENTRY" });
    expect(observer.told).toEqual([]);
  });

  it("refuses a snapshot of another log", async () => {
    await using other = await openTestLog(createMemoryLog());
    const bytes = other.log.table.snapshot(other.machine.snapshot());
    const log = new FaultyLog(createMemoryLog(), { loadSnapshot: async () => ({ op: 1, bytes }) });
    log.faults.tail = async () => 1;
    await expect(openTestLog(log)).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      reason: "WRONG_CLUSTER",
    });
  });

  it("refuses a log that ends below its snapshot", async () => {
    const store = createMemoryLogStore();
    {
      await using other = await openTestLog(store.open(), { snapshotEvery: 1 });
      await other.register(1);
      await eventually(() => other.observer.told.includes("snapshotSaved 2"));
    }
    const log = new FaultyLog(store.open(), { tail: async () => 1 });
    await expect(openTestLog(log)).rejects.toMatchObject({ code: Code.DataLoss, reason: "LOG_REGRESSED" });
  });
});

function closedMidway(close: () => Promise<void>): NonNullable<LogFaults["entries"]> {
  return async function* end(real) {
    await close();
    yield* real;
  };
}
