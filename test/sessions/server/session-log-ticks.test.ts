import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { id } from "../table/test-table.js";
import { openLaggard, snapshotStored } from "./open-laggard.js";
import { openTestLog, type TestLog } from "./open-test-log.js";

const limits = { tickMs: 1_000, guardTimeoutMs: 1_500, idleTimeoutMs: 5_000 };

/** Lets time pass in small steps, so that what each timer leads to has happened before the next one. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    await vi.advanceTimersByTimeAsync(Math.min(100, ms - passed));
    await turn();
  }
}

async function openIntent(server: TestLog, client: number): Promise<number> {
  const stamp = server.stamp(client);
  const effect = await server.effectOf({ kind: "intent", stamp, method: "m", serverId: "a" });
  if (effect.kind !== "intentOpened") throw new Error(`the intent did not open: ${effect.kind}`);
  return effect.op;
}

const closed = (server: TestLog) =>
  server.observer.effects.flatMap((effect) =>
    effect.kind === "intentClosed" ? [`${effect.by} ${effect.intent.op}`] : [],
  );

describe("SessionLog that makes its log older", () => {
  checkLeaks();
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("ticks while there is a session, at the pace of its monotonic clock, and not else", async () => {
    await using server = await openTestLog(createMemoryLogStore().open(), { limits });
    await pass(3_500);
    expect(server.observer.kinds()).toEqual([]);
    const session = await server.register(1);
    await pass(950);
    expect(server.log.table.ageMs).toBe(0);
    await pass(100);
    expect(server.log.table.ageMs).toBe(1_000);
    await pass(2_000);
    expect(server.log.table.ageMs).toBe(3_000);
    await server.effectOf({ kind: "unregister", client: id(1), session });
    await pass(5_000);
    expect(server.log.table.ageMs).toBe(3_000);
  });

  it("ends a session that is idle for its time-out and one tick, and not one that is used", async () => {
    await using server = await openTestLog(createMemoryLogStore().open(), { limits });
    const session = await server.register(1);
    await server.register(2);
    for (let at = 0; at < 7; at++) {
      await pass(850);
      await server.effectOf({ kind: "keepAlive", client: id(1), session, respondedTo: 0 });
    }
    expect(server.log.table.ageMs).toBe(5_000);
    expect(server.log.table.session(id(2))).toBeDefined();
    await pass(400);
    expect(server.log.table.session(id(2))).toBeUndefined();
    expect(server.log.table.session(id(1))).toBeDefined();
    expect(server.observer.kinds().filter((kind) => kind === "expired")).toHaveLength(1);
  });

  it("neither ends anybody nor forgets anybody because a wall clock is wrong", async () => {
    const store = createMemoryLogStore();
    const year = 365 * 24 * 3_600_000;
    let nowMs = 50 * year;
    await using wrong = await openTestLog(store.open(), { limits, serverId: "a", nowMs: () => nowMs });
    await using right = await openTestLog(store.open(), { limits, serverId: "b", nowMs: () => 55 * year });
    await wrong.register(1);
    nowMs = 99 * year;
    await wrong.register(2);
    nowMs = 0;
    await wrong.register(3);
    await pass(5_500);
    expect(right.log.table.size).toBe(3);
    await pass(1_000);
    expect(right.log.table.size).toBe(0);
    expect(wrong.state()).toBe(right.state());
  });

  it("ticks for sessions that it has from a snapshot alone", async () => {
    const store = createMemoryLogStore();
    await using lagging = await openLaggard(store, { limits });
    const { a, goOn, hold } = lagging;
    const b = await openTestLog(store.open(), { serverId: "b", snapshotEvery: 4 });
    for (let client = 1; client <= 8; client++) await b.register(client);
    await snapshotStored(b, 6);
    await b.log.close();
    a.observer.replaced = hold;
    goOn();
    await turn();
    expect(a.log.table.size).toBeGreaterThan(0);
    const tail = await store.open().tail();
    await pass(1_100);
    expect(await store.open().tail()).toBe(tail + 1);
  });

  it("does not count the time without servers", async () => {
    const store = createMemoryLogStore();
    {
      await using server = await openTestLog(store.open(), { limits });
      await server.register(1);
      await pass(3_500);
      expect(server.log.table.ageMs).toBe(3_000);
    }
    await pass(60_000);
    await using server = await openTestLog(store.open());
    await pass(950);
    expect(server.log.table.ageMs).toBe(3_000);
    await pass(100);
    expect(server.log.table.ageMs).toBe(4_000);
  });

  it("becomes no older by several servers, and as old by one as by all", async () => {
    const store = createMemoryLogStore();
    await using a = await openTestLog(store.open(), { limits, serverId: "a" });
    await a.register(1);
    await pass(300);
    await using b = await openTestLog(store.open(), { serverId: "b" });
    await using c = await openTestLog(store.open(), { serverId: "c" });
    const keep = async (server: TestLog) => {
      const { session = 0 } = server.log.table.session(id(1)) ?? {};
      await server.effectOf({ kind: "keepAlive", client: id(1), session, respondedTo: 0 });
    };
    await pass(3_750);
    await keep(a);
    expect([a, b, c].map(({ log }) => log.table.ageMs)).toEqual([4_000, 4_000, 4_000]);
    await a.log.close();
    await b.log.close();
    await pass(3_100);
    await keep(c);
    expect(c.log.table.ageMs).toBe(7_000);
  });

  it("follows a Configure of the tick", async () => {
    await using server = await openTestLog(createMemoryLogStore().open(), { limits });
    await server.register(1);
    const { table } = server.log;
    await server.effectOf({
      kind: "configure",
      previousOp: 0,
      limits: { ...table.limits, tickMs: 200, guardTimeoutMs: 100 },
      format: 1,
    });
    await pass(1_050);
    // A timer may be late by some milliseconds.
    expect(table.ageMs).toBeGreaterThanOrEqual(800);
    expect(table.ageMs).toBeLessThanOrEqual(1_000);
  });

  it("closes an intent by a verdict once it is older than its time-out and a tick", async () => {
    await using server = await openTestLog(createMemoryLogStore().open(), { limits });
    await server.register(1);
    const op = await openIntent(server, 1);
    await pass(2_950);
    expect(closed(server)).toEqual([]);
    await pass(100);
    expect(closed(server)).toEqual([`verdict ${op}`]);
  });

  it("leaves alone an intent whose result came", async () => {
    await using server = await openTestLog(createMemoryLogStore().open(), { limits });
    await server.register(1);
    const intentOp = await openIntent(server, 1);
    await server.effectOf({
      kind: "result",
      intentOp,
      reply: { kind: "payload", bytes: new Uint8Array() },
    });
    await pass(4_000);
    expect(closed(server)).toEqual([`result ${intentOp}`]);
  });

  it("closes at once what the last process of a server left open, when its next one comes up", async () => {
    const store = createMemoryLogStore();
    await using other = await openTestLog(store.open(), { limits, serverId: "b" });
    const first = await openTestLog(store.open(), { serverId: "a" });
    await first.register(1);
    const op = await openIntent(first, 1);
    await first.log.close();
    await pass(300);
    expect(closed(other)).toEqual([]);
    await using again = await openTestLog(store.open(), { serverId: "a" });
    await turn();
    await turn();
    expect(closed(other)).toEqual([`verdict ${op}`]);
    expect(again.log.table.intent(op)).toBeUndefined();
    expect(other.log.table.ageMs).toBe(0);
  });

  it("closes what is due in a log that nobody was up to close", async () => {
    const store = createMemoryLogStore();
    const first = await openTestLog(store.open(), { limits, serverId: "a" });
    await first.register(1);
    const op = await openIntent(first, 1);
    // Its ServerUp is the last thing that this server did.
    await first.effectOf({ kind: "serverUp", serverId: "a" });
    await first.log.close();
    await using other = await openTestLog(store.open(), { serverId: "b" });
    await turn();
    expect(other.log.table.intent(op)).toBeUndefined();
  });
});
