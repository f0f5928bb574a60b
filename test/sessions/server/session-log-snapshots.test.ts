import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import type { CommitLog, LogEntry } from "../../../src/sessions/commit-log/commit-log.js";
import { openFileLog } from "../../../src/sessions/commit-log/file-log.js";
import { logUnavailable } from "../../../src/sessions/commit-log/log-errors.js";
import { createMemoryLog, createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { decodeLogRecord } from "../../../src/sessions/record/decode-log-record.js";
import { decodeGenesis, type Genesis } from "../../../src/sessions/record/genesis.js";
import { ClientTable } from "../../../src/sessions/table/client-table.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { FaultyLog, newGate } from "./faulty-log.js";
import { openTestLog, type TestLog, TestMachine } from "./open-test-log.js";

const savedOps = ({ observer }: TestLog) =>
  observer.told.flatMap((each) => (each.startsWith("snapshotSaved ") ? [Number(each.split(" ")[1])] : []));

/** A log that tells of all its entries, also of those that it forgets later. */
function recorded(log: CommitLog): {
  readonly log: FaultyLog;
  readonly entries: LogEntry[];
  readonly genesis: () => Genesis;
} {
  const entries: LogEntry[] = [];
  let genesis: Uint8Array | undefined;
  const faulty = new FaultyLog(log, {
    genesis: async (real) => {
      genesis = await real();
      return genesis;
    },
    append: async (real, entry) => {
      const op = await real();
      entries.push({ op, entry });
      return op;
    },
  });
  return { log: faulty, entries, genesis: () => decodeGenesis(genesis ?? new Uint8Array()) };
}

/** What a server would have that had applied all of it from the start. */
function replayed(genesis: Genesis, entries: readonly LogEntry[]): string {
  const machine = new TestMachine();
  const table = ClientTable.empty(genesis);
  for (const { op, entry } of [...entries].sort((a, b) => a.op - b.op)) {
    table.apply(op, decodeLogRecord(entry), machine.run);
  }
  return Buffer.from(table.snapshot(machine.snapshot())).toString("hex");
}

describe("SessionLog that stores snapshots", () => {
  checkLeaks();
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "quorate-log-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("stores one every so many entries, of the state between two of them", async () => {
    const store = createMemoryLogStore({ opStep: 10 });
    await using server = await openTestLog(store.open(), { snapshotEvery: 4 });
    const states = new Map<number, string>();
    for (let client = 1; client <= 12; client++) {
      await server.register(client);
      states.set(server.log.table.appliedOp, server.state());
    }
    await eventually(() => savedOps(server).length === 3);
    // The own ServerUp is the first entry.
    expect(savedOps(server)).toEqual([40, 80, 120]);
    const stored = await store.open().loadSnapshot();
    expect(stored?.op).toBe(120);
    expect(Buffer.from(stored?.bytes ?? []).toString("hex")).toBe(states.get(120));
  });

  it.each([
    { name: "memory", open: () => createMemoryLogStore({ opStep: 3 }) },
    { name: "file", open: () => ({ open: () => openFileLog({ directory, segmentBytes: 2_000 }) }) },
  ])("comes back, through restarts, to what a replay from the start comes to: $name", async ({ open }) => {
    const store = open();
    const entries: LogEntry[] = [];
    let saved = 0;
    for (let run = 0; run < 4; run++) {
      const kept = recorded(await store.open());
      const machine = new TestMachine();
      await using server = await openTestLog(kept.log, { snapshotEvery: 7, machine });
      await server.register(run + 1);
      for (let client = 1; client <= run + 1; client++) {
        for (const payload of ["x", "y", "z"]) await server.effectOf(server.request(client, payload));
      }
      saved += savedOps(server).length;
      entries.push(...kept.entries);
      expect(server.state()).toBe(replayed(kept.genesis(), entries));
    }
    expect(entries.length).toBeGreaterThan(30);
    expect(saved).toBeGreaterThan(2);
  });

  it("counts what it has replayed: a server that restarts too often stores one, too", async () => {
    const store = createMemoryLogStore();
    for (let run = 1; run <= 3; run++) {
      await using server = await openTestLog(store.open(), { snapshotEvery: 6 });
      await server.register(run);
      expect(savedOps(server)).toEqual(run === 3 ? [6] : []);
    }
  });

  it("stores one at a time, and the next between two entries once it is stored", async () => {
    const log = new FaultyLog(createMemoryLog());
    const saving = newGate();
    let running = 0;
    log.faults.saveSnapshot = async (real) => {
      running += 1;
      expect(running).toBe(1);
      await saving.promise;
      running -= 1;
      return real();
    };
    await using server = await openTestLog(log, { snapshotEvery: 2 });
    for (let client = 1; client <= 7; client++) await server.register(client);
    expect(running).toBe(1);
    saving.open();
    await eventually(() => savedOps(server).length === 1);
    await server.register(8);
    await eventually(() => savedOps(server).length === 2);
    expect(savedOps(server)).toEqual([2, 9]);
  });

  it("tells of a failure, goes on, and tries again when the next one is due", async () => {
    const log = new FaultyLog(createMemoryLog());
    let tries = 0;
    log.faults.saveSnapshot = async (real) => {
      tries += 1;
      if (tries === 1) throw logUnavailable("no space");
      return real();
    };
    await using server = await openTestLog(log, { snapshotEvery: 3 });
    for (let client = 1; client <= 4; client++) await server.register(client);
    expect(server.observer.told).toContain("snapshotFailed LOG_UNAVAILABLE");
    expect(tries).toBe(1);
    for (let client = 5; client <= 7; client++) await server.register(client);
    await eventually(() => savedOps(server).length === 1);
    expect(savedOps(server)).toEqual([6]);
  });

  it("tells of a state machine that cannot be stored, and goes on", async () => {
    const machine = new TestMachine();
    machine.snapshot = () => {
      throw new TypeError("no state");
    };
    await using server = await openTestLog(createMemoryLog(), { snapshotEvery: 2, machine });
    await server.register(1);
    await server.register(2);
    expect(server.observer.told).toContain("snapshotFailed undefined");
    expect(server.log.stopped).toBeUndefined();
  });

  it("says nothing of one that another server was faster with", async () => {
    const log = new FaultyLog(createMemoryLog(), { saveSnapshot: async () => false });
    await using server = await openTestLog(log, { snapshotEvery: 2 });
    for (let client = 1; client <= 5; client++) await server.register(client);
    expect(server.observer.told.filter((each) => each.startsWith("snapshot"))).toEqual([]);
  });

  it("waits, when it closes, for the one that is being stored", async () => {
    const log = new FaultyLog(createMemoryLog());
    const saving = newGate();
    log.faults.saveSnapshot = async () => {
      await saving.promise;
      return true;
    };
    const server = await openTestLog(log, { snapshotEvery: 2 });
    await server.register(1);
    let isClosed = false;
    const closed = server.log.close().then(() => {
      isClosed = true;
    });
    await turn();
    expect(isClosed).toBe(false);
    saving.open();
    await closed;
    expect(savedOps(server)).toEqual([2]);
  });
});

describe("SessionLog that checks its state", () => {
  checkLeaks();

  it("finds that servers which applied the same are in the same state", async () => {
    const store = createMemoryLogStore();
    await using a = await openTestLog(store.open(), { checkEvery: 3, serverId: "a" });
    await using b = await openTestLog(store.open(), { checkEvery: 3, serverId: "b" });
    await a.register(1);
    for (let request = 1; request <= 20; request++) await a.effectOf(a.request(1));
    await Promise.all([a.log.barrier(), b.log.barrier()]);
    const checks = b.observer.kinds().filter((kind) => kind === "check");
    // Both have hashed, and Checks do not lead to Checks.
    expect(checks.length).toBeGreaterThanOrEqual(10);
    expect(checks.length).toBeLessThanOrEqual(16);
    expect([a.log.stopped, b.log.stopped]).toEqual([undefined, undefined]);
  });

  it("stops where a state machine has come to another state", async () => {
    const store = createMemoryLogStore();
    await using a = await openTestLog(store.open(), { checkEvery: 3 });
    await using b = await openTestLog(store.open(), { checkEvery: 3, machine: new TestMachine("!") });
    await a.register(1);
    for (let request = 1; request <= 3; request++) await a.propose(a.request(1));
    await eventually(() => a.log.stopped !== undefined && b.log.stopped !== undefined);
    const error = { code: Code.DataLoss, reason: "STATE_DIVERGED" };
    expect([a.log.stopped, b.log.stopped]).toMatchObject([error, error]);
    expect(b.observer.told.at(-1)).toBe("stopped STATE_DIVERGED");
  });

  it("does not come up where a replay comes to another state than the log says", async () => {
    const store = createMemoryLogStore();
    {
      await using a = await openTestLog(store.open(), { checkEvery: 3 });
      await a.register(1);
      await a.effectOf(a.request(1));
      await a.log.barrier();
      await eventually(() => a.observer.kinds().includes("check"));
    }
    await expect(
      openTestLog(store.open(), { checkEvery: 3, machine: new TestMachine("!") }),
    ).rejects.toMatchObject({ reason: "STATE_DIVERGED" });
    await using again = await openTestLog(store.open(), { checkEvery: 3 });
    expect(again.machine.runs).toHaveLength(1);
  });
});
