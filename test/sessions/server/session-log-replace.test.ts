import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import type { LogSnapshot } from "../../../src/sessions/commit-log/commit-log.js";
import { LogTruncated, logUnavailable } from "../../../src/sessions/commit-log/log-errors.js";
import { createMemoryLogStore, type MemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { id } from "../table/test-table.js";
import { FaultyLog, newGate } from "./faulty-log.js";
import { openLaggard, snapshotStored } from "./open-laggard.js";
import { openTestLog, register } from "./open-test-log.js";

describe("SessionLog that finds its entries forgotten", () => {
  checkLeaks();

  it("goes on from the snapshot: what is pending fails, then the observer is told, then entries follow", async () => {
    const store = createMemoryLogStore();
    await using lagging = await openLaggard(store);
    const { a, goOn } = lagging;
    await using b = await openTestLog(store.open(), { serverId: "b", snapshotEvery: 4 });
    await b.register(1);
    const told = a.observer.told;
    const failed: unknown[] = [];
    a.log.propose(register(1), {
      applied: () => told.push("pending applied"),
      failed: (error, outcome) => {
        told.push(`pending ${outcome} at ${a.log.table.appliedOp >= 8}`);
        failed.push(error);
      },
    });
    for (let request = 1; request <= 6; request++) await b.effectOf(b.request(1, `r${request}`));
    await snapshotStored(b, 8);
    const wait = a.log.waitApplied(8).applied;
    expect(a.log.table.appliedOp).toBeLessThan(8);
    goOn();
    await wait;
    expect(failed).toMatchObject([{ code: Code.Unavailable, reason: "RETRY" }]);
    await a.log.barrier();
    await b.effectOf(b.request(1, "last"));
    await a.log.barrier();
    expect(a.state()).toBe(b.state());
    expect(a.machine.runs).toEqual(b.machine.runs);
    const replaced = told.indexOf("replaced");
    expect(told[replaced - 1]).toBe("pending unknown at true");
    // At most the one entry that was held came before; those within the snapshot are told of by nobody.
    expect(told.slice(0, replaced - 1).length).toBeLessThanOrEqual(1);
    expect(told.slice(replaced + 1)).toContain(`applied ${a.log.table.appliedOp}`);
  });

  it("ends the waits up to the snapshot, and counts from it to the next one", async () => {
    const store = createMemoryLogStore();
    await using lagging = await openLaggard(store, { snapshotEvery: 5 });
    const { a, goOn, hold } = lagging;
    {
      await using b = await openTestLog(store.open(), { serverId: "b", snapshotEvery: 4 });
      for (let client = 1; client <= 8; client++) await b.register(client);
      await snapshotStored(b, 6);
    }
    const op = (await store.open().loadSnapshot())?.op ?? 0;
    const wait = a.log.waitApplied(op).applied;
    a.observer.replaced = () => {
      a.observer.told.push("replaced");
      hold();
    };
    goOn();
    await wait;
    expect(a.log.table.appliedOp).toBe(op);
    goOn();
    for (let client = 11; !a.observer.told.some((each) => each.startsWith("snapshotSaved")); client++) {
      await a.register(client);
    }
    const { told } = a.observer;
    const applied = told.slice(told.indexOf("replaced")).filter((each) => each.startsWith("applied"));
    expect(told).toContain(`snapshotSaved ${applied[4]?.split(" ")[1]}`);
  });

  it("goes on with proposals behind the snapshot", async () => {
    const store = createMemoryLogStore();
    await using lagging = await openLaggard(store);
    const { a, goOn } = lagging;
    await using b = await openTestLog(store.open(), { serverId: "b", snapshotEvery: 4 });
    for (let client = 1; client <= 8; client++) await b.register(client);
    await snapshotStored(b, 6);
    goOn();
    await eventually(() => a.observer.told.includes("replaced"));
    expect(await a.effectOf(a.request(3))).toMatchObject({ kind: "applied" });
  });

  it("tries again if the snapshot cannot be loaded", async () => {
    const store = createMemoryLogStore();
    await using lagging = await openLaggard(store);
    const { a, log, goOn } = lagging;
    await using b = await openTestLog(store.open(), { serverId: "b", snapshotEvery: 4 });
    for (let client = 1; client <= 8; client++) await b.register(client);
    await snapshotStored(b, 6);
    let failures = 0;
    log.faults.loadSnapshot = async (real) => {
      failures += 1;
      if (failures === 1) throw logUnavailable("no leader");
      return real();
    };
    goOn();
    await eventually(() => a.observer.told.includes("replaced"));
    expect(a.observer.told).toContain("readFailed LOG_UNAVAILABLE");
    expect(a.log.table.size).toBe(8);
  });

  it("ends while it loads", async () => {
    const store = createMemoryLogStore();
    await using lagging = await openLaggard(store);
    const { a, log, goOn } = lagging;
    await using b = await openTestLog(store.open(), { serverId: "b", snapshotEvery: 4 });
    for (let client = 1; client <= 8; client++) await b.register(client);
    await snapshotStored(b, 6);
    const loading = newGate();
    log.faults.loadSnapshot = () => {
      loading.open();
      return new Promise(() => {});
    };
    goOn();
    await loading.promise;
    await a.log.close();
    expect(a.observer.told).not.toContain("replaced");
  });
});

describe("SessionLog whose log regresses", () => {
  checkLeaks();

  /** A server that is at op 3, told that its entries are forgotten, and given this snapshot. */
  async function truncated(snapshot: (store: MemoryLogStore) => Promise<LogSnapshot | undefined>) {
    const store = createMemoryLogStore();
    const log = new FaultyLog(store.open());
    const gate = newGate();
    log.faults.entries = async function* forgotten(real, from) {
      if (from > 1) throw new LogTruncated(from, 100);
      for await (const entry of real) {
        yield entry;
        if (entry.op < 3) continue;
        await gate.promise;
        throw new LogTruncated(entry.op, 100);
      }
    };
    const opened = await openTestLog(log);
    await opened.register(1);
    await opened.register(2);
    const stored = await snapshot(store);
    log.faults.loadSnapshot = async () => stored;
    gate.open();
    await eventually(() => opened.log.stopped !== undefined);
    return opened;
  }

  it.each([
    { what: "is missing", snapshot: async () => undefined },
    {
      what: "is not above what was applied",
      snapshot: async (store: MemoryLogStore) => {
        await using other = await openTestLog(store.open(), { serverId: "b" });
        const bytes = other.log.table.snapshot(other.machine.snapshot());
        return { op: 3, bytes };
      },
    },
    { what: "is of another log", snapshot: () => snapshotOfAnother(200) },
  ])("stops if the snapshot $what", async ({ snapshot }) => {
    await using opened = await truncated(snapshot);
    expect(opened.log.stopped).toMatchObject({ code: Code.DataLoss, reason: "LOG_REGRESSED" });
    expect(opened.observer.told.slice(-1)).toEqual(["stopped LOG_REGRESSED"]);
    expect(opened.log.table.session(id(2))).toBeDefined();
  });

  it("stops if the snapshot is not the one that the log says", async () => {
    await using opened = await truncated(async (store) => {
      await using other = await openTestLog(store.open(), { serverId: "b" });
      return { op: 50, bytes: other.log.table.snapshot(other.machine.snapshot()) };
    });
    expect(opened.log.stopped).toMatchObject({ code: Code.DataLoss, reason: "DAMAGED_SNAPSHOT" });
  });

  it("stops if the log ends below what was applied when it was asked", async () => {
    const store = createMemoryLogStore();
    const log = new FaultyLog(store.open());
    await using opened = await openTestLog(log);
    await opened.register(1);
    log.faults.tail = async () => 1;
    await expect(opened.log.barrier()).rejects.toMatchObject({
      code: Code.Unavailable,
      reason: "SESSIONS_STOPPED",
      cause: { code: Code.DataLoss, reason: "LOG_REGRESSED" },
    });
    expect(opened.observer.told).toEqual(["applied 2", "stopped LOG_REGRESSED"]);
  });

  it("goes on if entries were applied between the question and the answer", async () => {
    const store = createMemoryLogStore();
    const log = new FaultyLog(store.open());
    await using opened = await openTestLog(log);
    const answered = newGate();
    log.faults.tail = async (real) => {
      const tail = await real();
      await answered.promise;
      return tail;
    };
    const barrier = opened.log.barrier();
    await opened.register(1);
    answered.open();
    await barrier;
    expect(opened.log.stopped).toBeUndefined();
  });
});

async function snapshotOfAnother(entries: number): Promise<LogSnapshot> {
  await using other = await openTestLog(createMemoryLogStore().open());
  for (let client = 1; client <= entries; client++) await other.register(client);
  const { appliedOp } = other.log.table;
  return { op: appliedOp, bytes: other.log.table.snapshot(other.machine.snapshot()) };
}
