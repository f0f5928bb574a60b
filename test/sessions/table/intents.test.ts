import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { StatusSchema } from "../../../internal/wire/gen/google/rpc/status_pb.js";
import { errorFromStatus } from "../../../internal/wire/status.js";
import type { Reply } from "../../../src/sessions/reply.js";
import { id, TestTable, text, textOf } from "./test-table.js";

const reply = (value: string): Reply => ({ kind: "payload", bytes: text(value) });
const result = (intentOp: number, value: string) =>
  ({ kind: "result", intentOp, reply: reply(value) }) as const;
const verdict = (intentOp: number) => ({ kind: "verdict", intentOp }) as const;
const serverUp = (serverId: string) => ({ kind: "serverUp", serverId }) as const;
const limits = { guardTimeoutMs: 30_000, tickMs: 15_000, idleTimeoutMs: 600_000 };

describe("applying an Intent", () => {
  it("takes its number and tells who won it, and runs nothing", () => {
    const test = new TestTable();
    const session = test.open(1, { user: "ann" });
    const effect = test.intent(1, 1, { method: "pay.v1.Pay.Charge", serverId: "a" });
    const intent = { op: 13, client: id(1), request: 1, serverId: "a", ageMs: 0, serverGone: false };
    const opened = {
      kind: "intentOpened",
      op: 13,
      user: "ann",
      session,
      method: "pay.v1.Pay.Charge",
      intent,
    };
    expect(effect).toEqual(opened);
    expect(test.runs).toEqual([]);
    expect(test.present(1)).toMatchObject({
      highest: 1,
      lastUseOp: 13,
      kept: [{ op: 13, reply: undefined }],
    });
    expect(test.table.intent(13)).toEqual(intent);
  });

  it("is checked like a request: of two servers that try, one wins", () => {
    const test = new TestTable({ maxInFlight: 1 });
    const session = test.open(1);
    expect(test.intent(1, 2)).toMatchObject({ why: "gap" });
    expect(test.intent(1, 1, { session: session - 1 })).toMatchObject({ why: "session" });
    test.openIntent(1, 1, { serverId: "a" });
    expect(test.intent(1, 1, { serverId: "b" })).toMatchObject({ why: "duplicate" });
    expect(test.intent(1, 2)).toMatchObject({ why: "window" });
    expect([...test.table.intents()]).toHaveLength(1);
  });

  it("does not hold up the requests behind it, whose replies may come first", () => {
    const test = new TestTable();
    test.open(1);
    const first = test.openIntent(1, 1);
    const second = test.openIntent(1, 2);
    test.request(1, 3);
    test.put(result(second, "two"));
    expect(test.present(1).kept.map((kept) => textOf(kept.reply))).toEqual([undefined, "two", "19 r3"]);
    test.put(result(first, "one"));
    expect(test.present(1).kept.map((kept) => [kept.op, textOf(kept.reply)])).toEqual([
      [25, "one"],
      [22, "two"],
      [19, "19 r3"],
    ]);
  });
});

describe("applying a Result or a Verdict", () => {
  it("the first Result is the reply, the same for everybody; a second one, and a Verdict, come too late", () => {
    const test = new TestTable();
    test.open(1);
    const op = test.openIntent(1, 1);
    const effect = test.put(result(op, "paid"));
    expect(effect).toMatchObject({ kind: "intentClosed", op: 16, by: "result", intent: { op, request: 1 } });
    expect(effect.kind === "intentClosed" && effect.reply).toEqual(reply("paid"));
    test.put(serverUp("server-1"));
    expect(test.put(result(op, "paid again"))).toMatchObject({ kind: "ignored", why: "intentClosed" });
    expect(test.put(verdict(op))).toMatchObject({ kind: "ignored", why: "intentClosed" });
    expect(test.present(1).kept).toMatchObject([{ op: 16, reply: reply("paid") }]);
    expect([...test.table.intents()]).toEqual([]);
  });

  it("a Verdict before the intent is due says nothing, however sure its server is", () => {
    const test = new TestTable(limits);
    test.open(1);
    const op = test.openIntent(1, 1);
    // Two ticks are the time-out; what came just before the first of them has not had that long yet.
    test.tick(2);
    expect(test.table.dueIntents()).toEqual([]);
    expect(test.put(verdict(op))).toMatchObject({ kind: "ignored", why: "notDue" });
    expect(test.put(result(op, "paid"))).toMatchObject({ kind: "intentClosed", by: "result" });
  });

  it("a Verdict on one that is due by the log's age is the reply: OUTCOME_UNKNOWN, also if a Result comes later", () => {
    const test = new TestTable(limits);
    test.open(1);
    const op = test.openIntent(1, 1);
    test.tick(3);
    expect(test.table.dueIntents()).toMatchObject([{ op }]);
    const effect = test.put(verdict(op));
    expect(effect).toMatchObject({ kind: "intentClosed", by: "verdict", intent: { op } });
    const kept = test.present(1).kept[0]?.reply;
    expect(kept).toEqual(effect.kind === "intentClosed" && effect.reply);
    const status = kept?.kind === "status" ? fromBinary(StatusSchema, kept.bytes) : undefined;
    expect(errorFromStatus(status)).toMatchObject({ code: Code.Aborted, reason: "OUTCOME_UNKNOWN" });
    expect(test.put(result(op, "paid"))).toMatchObject({ why: "intentClosed" });
    expect(test.present(1).kept[0]?.reply).toEqual(kept);
  });

  it("one whose server has started anew is due at once; those of other servers, and later ones, are not", () => {
    const test = new TestTable(limits);
    test.open(1);
    test.put(serverUp("a"));
    const gone = test.openIntent(1, 1, { serverId: "a" });
    const other = test.openIntent(1, 2, { serverId: "b" });
    expect(test.table.dueIntents()).toEqual([]);
    expect(test.put(serverUp("a"))).toMatchObject({ kind: "serverUp", serverId: "a", left: [{ op: gone }] });
    const later = test.openIntent(1, 3, { serverId: "a" });
    expect(test.table.dueIntents()).toMatchObject([{ op: gone, serverGone: true }]);
    expect(test.put(verdict(other))).toMatchObject({ why: "notDue" });
    expect(test.put(verdict(later))).toMatchObject({ why: "notDue" });
    expect(test.put(verdict(gone))).toMatchObject({ kind: "intentClosed", by: "verdict" });
    expect(test.put(serverUp("a"))).toMatchObject({ left: [{ op: later }] });
  });

  it("is exempt from the fence: a handler that outlives a resume still gives the reply", () => {
    const test = new TestTable();
    const first = test.open(1, { nonce: 1 });
    const op = test.openIntent(1, 1);
    test.open(1, { nonce: 2, previous: first });
    expect(test.put(result(op, "paid"))).toMatchObject({ kind: "intentClosed" });
    expect(textOf(test.present(1).kept[0]?.reply)).toBe("paid");
  });

  it("is no use of the session", () => {
    const test = new TestTable();
    test.open(1);
    const op = test.openIntent(1, 1);
    test.open(2);
    test.put(result(op, "paid"));
    expect(test.clients()).toEqual([1, 2]);
    expect(test.present(1).lastUseOp).toBe(op);
  });

  it("closes an intent that its client has forgotten, and keeps nothing of it", () => {
    const test = new TestTable();
    test.open(1);
    const op = test.openIntent(1, 1);
    test.keepAlive(1, 1);
    expect(test.table.intent(op)).toBeDefined();
    expect(test.put(result(op, "paid"))).toMatchObject({ kind: "intentClosed", reply: reply("paid") });
    expect(test.present(1)).toMatchObject({ kept: [], respondedTo: 1, highest: 1 });
    expect(test.table.intent(op)).toBeUndefined();
  });

  it("replaces a result above maxReplyBytes", () => {
    const test = new TestTable({ maxReplyBytes: 10 });
    test.open(1);
    const op = test.openIntent(1, 1);
    test.put(result(op, "more than ten bytes"));
    expect(test.present(1).kept[0]?.reply?.kind).toBe("status");
  });
});

describe("the end of a session", () => {
  it.each(["unregistered", "expired", "capacity"] as const)(
    "closes its intents, forgotten ones too, and a later Result or Verdict finds nothing: %s",
    (reason) => {
      const test = new TestTable({ ...limits, idleTimeoutMs: 90_000, maxSessions: 1 });
      const session = test.open(1, { nonce: 1 });
      const forgotten = test.openIntent(1, 1);
      const open = test.openIntent(1, 2, { respondedTo: 1 });
      const ended = end(test, reason, session);
      expect(ended).toMatchObject({
        client: id(1),
        session,
        reason,
        intents: [{ op: forgotten }, { op: open }],
      });
      expect([...test.table.intents()]).toEqual([]);
      test.open(1, { nonce: 2 });
      test.intent(1, 1);
      expect(test.put(result(open, "late"))).toMatchObject({ kind: "ignored", why: "intentClosed" });
      expect(test.put(verdict(forgotten))).toMatchObject({ kind: "ignored", why: "intentClosed" });
      expect(test.present(1).kept).toMatchObject([{ reply: undefined }]);
    },
  );
});

function end(test: TestTable, reason: string, session: number) {
  const entry = { client: id(1), session };
  if (reason === "expired") test.tick(7);
  const { lastUseOp } = test.present(1);
  const effect =
    reason === "unregistered"
      ? test.put({ kind: "unregister", ...entry })
      : reason === "expired"
        ? test.put({ kind: "expire", ...entry, lastUseOp })
        : test.register(2);
  return "ended" in effect ? effect.ended[0] : effect;
}
