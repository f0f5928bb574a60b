import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { StatusSchema } from "../../../internal/wire/gen/google/rpc/status_pb.js";
import { errorFromStatus } from "../../../internal/wire/status.js";
import { errorReply, type Reply } from "../../../src/sessions/reply.js";
import { id, TestTable, text, textOf } from "./test-table.js";

const errorOf = (reply: Reply | undefined) =>
  reply?.kind === "status" ? errorFromStatus(fromBinary(StatusSchema, reply.bytes)) : undefined;

describe("applying a Request", () => {
  it("runs it with op, time, user and client, and keeps the reply", () => {
    const test = new TestTable();
    const session = test.open(1, { user: "ann" });
    const effect = test.request(1, 1, { method: "bank.v1.Bank.Pay", payload: "ten" });
    expect(effect).toMatchObject({ kind: "applied", op: 13, client: id(1), session, request: 1 });
    expect(effect.kind === "applied" && textOf(effect.reply)).toBe("13 ten");
    const call = { op: 13, timestampMs: 1_000, user: "ann", client: id(1), method: "bank.v1.Bank.Pay" };
    expect(test.runs).toEqual([{ ...call, payload: text("ten") }]);
    expect(test.present(1)).toMatchObject({ highest: 1, respondedTo: 0, kept: [{ op: 13 }] });
  });

  it("shows handlers a time that never goes back, whatever the servers' clocks say", () => {
    const test = new TestTable();
    test.open(1);
    for (const [at, timestampMs] of [5_000, 2_000, 6_000].entries()) {
      const stamp = test.stamp(1, at + 1);
      test.put({ kind: "request", stamp, method: "m", payload: text("") }, timestampMs);
    }
    expect(test.runs.map(({ timestampMs }) => timestampMs)).toEqual([5_000, 5_000, 6_000]);
  });

  it("ignores one of a client without a session", () => {
    const test = new TestTable();
    expect(test.request(1, 1, { session: 10 })).toEqual({ kind: "ignored", op: 10, why: "session" });
    expect(test.runs).toEqual([]);
  });

  it("ignores one that was applied before a session ended, also under the session after it", () => {
    const test = new TestTable();
    const first = test.open(1, { nonce: 1 });
    test.request(1, 1);
    test.put({ kind: "unregister", client: id(1), session: first });
    test.open(1, { nonce: 2 });
    expect(test.request(1, 1, { session: first })).toMatchObject({ kind: "ignored", why: "session" });
    expect(test.runs).toHaveLength(1);
  });

  it.each(["applied", "forgotten"])("never runs a number twice: %s", (state) => {
    const test = new TestTable();
    test.open(1);
    test.request(1, 1);
    if (state === "forgotten") test.keepAlive(1, 1);
    const before = test.copy(1);
    expect(test.request(1, 1)).toMatchObject({ kind: "ignored", why: "duplicate" });
    expect(test.request(1, 1, { payload: "another" })).toMatchObject({ kind: "ignored", why: "duplicate" });
    expect(test.runs).toHaveLength(1);
    expect(test.session(1)).toEqual(before);
  });

  it("ignores one above a gap, and applies it once the gap is closed", () => {
    const test = new TestTable();
    test.open(1);
    expect(test.request(1, 2)).toMatchObject({ kind: "ignored", why: "gap" });
    expect(test.request(1, 3)).toMatchObject({ kind: "ignored", why: "gap" });
    expect([1, 2, 3].map((request) => test.request(1, request).kind)).toEqual(Array(3).fill("applied"));
    expect(test.runs.map(({ payload }) => new TextDecoder().decode(payload))).toEqual(["r1", "r2", "r3"]);
  });

  it("ignores one above the window of its own responded-to", () => {
    const test = new TestTable({ maxInFlight: 2 });
    test.open(1);
    test.request(1, 1);
    test.request(1, 2);
    expect(test.request(1, 3)).toMatchObject({ kind: "ignored", why: "window" });
    test.keepAlive(1, 2);
    // What is in the table does not count: responded-to is taken from entries alone, and this one says less.
    expect(test.request(1, 3)).toMatchObject({ kind: "ignored", why: "window" });
    expect(test.request(1, 3, { respondedTo: 1 })).toMatchObject({ kind: "applied" });
    expect(test.present(1)).toMatchObject({ highest: 3, respondedTo: 2 });
  });

  it("keeps exactly the replies above responded-to, which never goes back", () => {
    const test = new TestTable();
    test.open(1);
    const kept = () => test.present(1).kept.map(({ reply }) => textOf(reply)?.replace(/^\d+ /, ""));
    for (const request of [1, 2, 3]) test.request(1, request);
    expect(kept()).toEqual(["r1", "r2", "r3"]);
    test.request(1, 4, { respondedTo: 2 });
    expect(kept()).toEqual(["r3", "r4"]);
    test.request(1, 5, { respondedTo: 1 });
    expect(kept()).toEqual(["r3", "r4", "r5"]);
    test.request(1, 6, { respondedTo: 5 });
    expect(kept()).toEqual(["r6"]);
    expect(test.present(1)).toMatchObject({ highest: 6, respondedTo: 5 });
  });

  it("takes responded-to from no entry without effect", () => {
    const test = new TestTable();
    test.open(1);
    for (const request of [1, 2, 3]) test.request(1, request);
    test.request(1, 5, { respondedTo: 3 });
    test.request(1, 3, { respondedTo: 2 });
    expect(test.present(1)).toMatchObject({ respondedTo: 0, highest: 3 });
  });

  it("keeps the error of a handler like any reply", () => {
    const test = new TestTable();
    test.open(1);
    test.answer = () => errorReply(new QuorateError(Code.NotFound, "no such account"));
    const effect = test.request(1, 1);
    expect(effect.kind === "applied" && errorOf(effect.reply)).toMatchObject({ code: Code.NotFound });
    expect(test.present(1).kept[0]?.reply).toEqual(effect.kind === "applied" && effect.reply);
  });

  it("replaces a reply above maxReplyBytes, in the table as in the answer; one of just that size stays", () => {
    const test = new TestTable({ maxReplyBytes: 100 });
    test.open(1);
    const replies = [100, 101].map((size, at) => {
      test.answer = () => ({ kind: "payload", bytes: new Uint8Array(size) });
      const effect = test.request(1, at + 1);
      return effect.kind === "applied" ? effect.reply : undefined;
    });
    expect(test.present(1).kept.map(({ reply }) => reply)).toEqual(replies);
    expect(replies[0]?.bytes).toHaveLength(100);
    expect(errorOf(replies[1])).toMatchObject({ code: Code.ResourceExhausted, reason: "REPLY_TOO_LARGE" });
  });
});

describe("applying a Refused", () => {
  it("ends its number with the status as the reply, so that it leaves no gap", () => {
    const test = new TestTable();
    test.open(1);
    const status = errorReply(new QuorateError(Code.Unimplemented, "no such method")).bytes;
    const effect = test.put({ kind: "refused", stamp: test.stamp(1, 1), status });
    expect(effect).toMatchObject({ kind: "applied", request: 1, reply: { kind: "status", bytes: status } });
    expect(test.request(1, 2)).toMatchObject({ kind: "applied" });
    expect(test.present(1).kept.map(({ reply }) => reply?.kind)).toEqual(["status", "payload"]);
    expect(test.runs).toHaveLength(1);
  });

  it("is checked like a request", () => {
    const test = new TestTable();
    const session = test.open(1);
    test.request(1, 1);
    const refuse = (request: number, number = session) =>
      test.put({
        kind: "refused",
        stamp: test.stamp(1, request, { session: number }),
        status: text("any"),
      });
    expect(refuse(1)).toMatchObject({ why: "duplicate" });
    expect(refuse(3)).toMatchObject({ why: "gap" });
    expect(refuse(2, session - 1)).toMatchObject({ why: "session" });
    expect(refuse(2)).toMatchObject({ kind: "applied" });
  });
});

describe("applying a Call", () => {
  it("runs it for its user, without a client, and keeps nothing", () => {
    const test = new TestTable();
    test.open(1);
    const before = test.copy(1);
    const call = { kind: "call", user: "bob", method: "m", payload: text("c") } as const;
    expect(test.put(call)).toMatchObject({ kind: "called", op: 13, user: "bob" });
    expect(test.put(call)).toMatchObject({ kind: "called", op: 16 });
    expect(test.runs.map(({ user, client, op }) => ({ user, client, op }))).toEqual([
      { user: "bob", client: undefined, op: 13 },
      { user: "bob", client: undefined, op: 16 },
    ]);
    expect(test.session(1)).toEqual(before);
  });

  it("replaces a reply above maxReplyBytes", () => {
    const test = new TestTable({ maxReplyBytes: 10 });
    test.answer = () => ({ kind: "payload", bytes: new Uint8Array(11) });
    const effect = test.put({ kind: "call", user: "", method: "m", payload: text("") });
    expect(effect.kind === "called" && errorOf(effect.reply)).toMatchObject({ reason: "REPLY_TOO_LARGE" });
  });
});

describe("applying a KeepAlive", () => {
  it("forgets replies, but none that are not there yet", () => {
    const test = new TestTable();
    const session = test.open(1);
    test.request(1, 1);
    test.request(1, 2);
    expect(test.keepAlive(1, 1)).toEqual({ kind: "keptAlive", op: 19, client: id(1), session });
    expect(test.present(1)).toMatchObject({ respondedTo: 1, highest: 2, kept: [{ op: 16 }] });
    test.keepAlive(1, 7);
    expect(test.present(1)).toMatchObject({ respondedTo: 2, highest: 2, kept: [] });
    expect(test.request(1, 3)).toMatchObject({ kind: "applied" });
    test.keepAlive(1, 0);
    expect(test.present(1)).toMatchObject({ respondedTo: 2, highest: 3 });
  });

  it("closes no window: a restored client says that it has what nobody waits for", () => {
    const test = new TestTable({ maxInFlight: 2 });
    test.open(1);
    test.request(1, 1);
    test.request(1, 2);
    test.keepAlive(1, 2);
    expect(test.request(1, 3, { respondedTo: 2 })).toMatchObject({ kind: "applied" });
  });
});

describe("a table", () => {
  it("stops for good at what its state machine throws, with that", () => {
    const test = new TestTable();
    test.open(1);
    const error = new QuorateError(Code.Unimplemented, "not served here", { reason: "UNKNOWN_ENTRY" });
    test.answer = () => {
      throw error;
    };
    expect(() => test.request(1, 1)).toThrow(error);
    expect(() => test.keepAlive(1)).toThrow(error);
    expect(() => test.snapshot()).toThrow(error);
  });

  it.each([10, 9, 0, -1, 10.5, 2 ** 53])("stops at an op that is not above the last one: %d", (op) => {
    const test = new TestTable();
    test.open(1);
    const record = { id: { incarnation: id(1), counter: 1 }, timestampMs: 0 };
    const entry = { kind: "tick", previousOp: 0 } as const;
    expect(() => test.table.apply(op, { ...record, entry }, test.run)).toThrow(
      expect.objectContaining({ code: Code.DataLoss, reason: "LOG_REGRESSED" }),
    );
  });
});
