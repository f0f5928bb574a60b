import { describe, expect, it } from "vitest";
import type { Effect } from "../../../src/sessions/table/effect.js";
import { id, TestTable, text } from "./test-table.js";

const tickMs = 15_000;

describe("a full table", () => {
  it("ends the session that was used least recently, in the order of the log", () => {
    const test = new TestTable({ maxSessions: 3, maxSessionsPerUser: 3 });
    const first = test.open(1);
    test.open(2);
    test.open(3);
    const effect = test.register(4);
    expect(effect).toMatchObject({ kind: "registered" });
    expect("ended" in effect && effect.ended).toEqual([
      { client: id(1), user: "ann", session: first, created: first, reason: "capacity", intents: [] },
    ]);
    expect(test.clients()).toEqual([2, 3, 4]);
  });

  const refuse = (test: TestTable) =>
    test.put({ kind: "refused", stamp: test.stamp(1, 1), status: text("s") });
  it.each<readonly [string, (test: TestTable) => Effect]>([
    ["a resume", (test) => test.register(1, { nonce: 9, previous: test.present(1).session })],
    ["a KeepAlive", (test) => test.keepAlive(1)],
    ["a request", (test) => test.request(1, 1)],
    ["a Refused", refuse],
    ["an Intent", (test) => test.intent(1, 1)],
  ])("keeps a session that was used by %s", (_, use) => {
    const test = new TestTable({ maxSessions: 2, maxSessionsPerUser: 2 });
    test.open(1);
    test.open(2);
    test.tick();
    const effect = use(test);
    expect(test.session(1)).toMatchObject({ lastUseOp: effect.op, lastUseAgeMs: tickMs });
    test.open(3);
    expect(test.clients()).toEqual([1, 3]);
  });

  it.each<readonly [string, (test: TestTable) => Effect]>([
    ["a duplicate Register", (test) => test.register(1)],
    ["a refused Register", (test) => test.register(1, { user: "bob" })],
    ["a duplicate request", (test) => test.request(1, 1)],
    ["a request above a gap", (test) => test.request(1, 3)],
    ["a request of a fenced holder", (test) => test.request(1, 2, { session: 1 })],
    ["a KeepAlive of a fenced holder", (test) => test.keepAlive(1, 0, 1)],
    ["a Verdict", (test) => test.put({ kind: "verdict", intentOp: 999 })],
    ["an Expire", (test) => test.put({ kind: "expire", client: id(1), session: 10, lastUseOp: 13 })],
  ])("%s is no use, because it has no effect on the session", (_, put) => {
    const test = new TestTable({ maxSessions: 2, maxSessionsPerUser: 2 });
    test.open(1);
    test.request(1, 1);
    test.open(2);
    const { lastUseOp } = test.present(1);
    put(test);
    expect(test.present(1).lastUseOp).toBe(lastUseOp);
    expect(test.clients()).toEqual([1, 2]);
  });

  it("lets a user who is over the limit of one user lose a session of its own, and others none", () => {
    const test = new TestTable({ maxSessions: 10, maxSessionsPerUser: 2 });
    test.open(1, { user: "bob" });
    test.open(2, { user: "ann" });
    test.open(3, { user: "ann" });
    test.keepAlive(2);
    expect(test.register(4, { user: "ann" })).toMatchObject({
      ended: [{ client: id(3), reason: "capacity" }],
    });
    expect(test.clients()).toEqual([1, 2, 4]);
  });

  it("counts no sessions of the user whom everybody is without authentication", () => {
    const test = new TestTable({ maxSessions: 3, maxSessionsPerUser: 1 });
    for (const client of [1, 2, 3]) expect(test.register(client, { user: "" })).toMatchObject({ ended: [] });
    expect(test.register(4, { user: "" })).toMatchObject({ ended: [{ client: id(1) }] });
  });

  it("takes one place, not two, where a user is over its limit and the table is full", () => {
    const test = new TestTable({ maxSessions: 2, maxSessionsPerUser: 1 });
    test.open(1, { user: "bob" });
    test.open(2, { user: "ann" });
    expect(test.register(3, { user: "ann" })).toMatchObject({ ended: [{ client: id(2) }] });
    expect(test.clients()).toEqual([1, 3]);
  });
});

describe("applying an Unregister", () => {
  it("ends the session", () => {
    const test = new TestTable();
    const session = test.open(1);
    const end = { kind: "unregister", client: id(1), session } as const;
    expect(test.put(end)).toMatchObject({ ended: [{ client: id(1), session, reason: "unregistered" }] });
    expect(test.table.size).toBe(0);
    expect(test.put(end)).toMatchObject({ kind: "ignored", why: "session" });
  });
});

describe("the log's age", () => {
  it("counts one of several ticks that servers propose at once", () => {
    const test = new TestTable();
    test.open(1);
    expect(test.put({ kind: "tick", previousOp: 0 })).toEqual({ kind: "ticked", op: 13 });
    expect(test.put({ kind: "tick", previousOp: 0 })).toMatchObject({ kind: "ignored", why: "stale" });
    expect(test.put({ kind: "tick", previousOp: 12 })).toMatchObject({ kind: "ignored", why: "stale" });
    expect(test.table).toMatchObject({ ageMs: tickMs, tickOp: 13 });
    expect(test.put({ kind: "tick", previousOp: 13 })).toMatchObject({ kind: "ticked" });
    expect(test.table.ageMs).toBe(2 * tickMs);
  });

  it("is needed while there is a session", () => {
    const test = new TestTable();
    expect(test.table.needsTicks).toBe(false);
    const session = test.open(1);
    expect(test.table.needsTicks).toBe(true);
    test.put({ kind: "unregister", client: id(1), session });
    expect(test.table.needsTicks).toBe(false);
  });

  it("a wrong clock expires nobody: timestamps do not count", () => {
    const test = new TestTable({ idleTimeoutMs: 100_000 });
    const session = test.open(1);
    test.put({ kind: "call", user: "", method: "m", payload: text("") }, Number.MAX_SAFE_INTEGER);
    expect(test.table.idleSessions()).toEqual([]);
    const { lastUseOp } = test.present(1);
    expect(test.put({ kind: "expire", client: id(1), session, lastUseOp })).toMatchObject({ why: "notIdle" });
  });
});

describe("applying an Expire", () => {
  // 100 s are 6⅔ ticks; one tick more, because the first may have come just after the last use.
  const ticksToIdle = 8;

  it("ends a session that is idle by the log's age, and not one tick sooner", () => {
    const test = new TestTable({ idleTimeoutMs: 100_000, guardTimeoutMs: 1_000 });
    const session = test.open(1);
    const { lastUseOp } = test.present(1);
    const expire = { kind: "expire", client: id(1), session, lastUseOp } as const;
    test.tick(ticksToIdle - 1);
    expect(test.table.idleSessions()).toEqual([]);
    expect(test.put(expire)).toMatchObject({ kind: "ignored", why: "notIdle" });
    test.tick();
    expect(test.table.idleSessions()).toMatchObject([{ client: id(1), lastUseOp }]);
    expect(test.put(expire)).toMatchObject({ kind: "expired", ended: [{ session, reason: "expired" }] });
    expect(test.put(expire)).toMatchObject({ kind: "ignored", why: "session" });
  });

  it("does not end one that was used after it was proposed", () => {
    const test = new TestTable({ idleTimeoutMs: 100_000, guardTimeoutMs: 1_000 });
    const session = test.open(1);
    test.tick(ticksToIdle);
    const [idle] = test.table.idleSessions();
    const proposed = {
      kind: "expire",
      client: id(1),
      session,
      lastUseOp: idle?.lastUseOp ?? 0,
    } as const;
    test.keepAlive(1);
    expect(test.put(proposed)).toMatchObject({ kind: "ignored", why: "notIdle" });
    test.tick(ticksToIdle);
    // Idle again, but of another use: who proposed this had not seen that one.
    expect(test.put(proposed)).toMatchObject({ kind: "ignored", why: "notIdle" });
    const { lastUseOp } = test.present(1);
    expect(test.put({ ...proposed, lastUseOp })).toMatchObject({ kind: "expired" });
  });

  it("does not end one that was resumed", () => {
    const test = new TestTable({ idleTimeoutMs: 100_000, guardTimeoutMs: 1_000 });
    const session = test.open(1, { nonce: 1 });
    const { lastUseOp } = test.present(1);
    test.tick(ticksToIdle);
    test.open(1, { nonce: 2, previous: session });
    test.tick(ticksToIdle);
    const expire = { kind: "expire", client: id(1), session, lastUseOp } as const;
    expect(test.put(expire)).toMatchObject({ kind: "ignored", why: "session" });
  });

  it("finds the idle ones in front of the others", () => {
    const test = new TestTable({ idleTimeoutMs: 100_000, guardTimeoutMs: 1_000 });
    for (const client of [1, 2, 3]) test.open(client);
    test.tick(2);
    test.keepAlive(1);
    test.tick(ticksToIdle - 2);
    expect(test.table.idleSessions().map(({ client }) => client)).toEqual([id(2), id(3)]);
  });
});
