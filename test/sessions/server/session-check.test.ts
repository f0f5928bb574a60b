import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { SessionMismatchSchema } from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { InFlight } from "../../../src/sessions/server/in-flight.js";
import {
  type CheckedStream,
  checkRequest,
  checkSession,
  checkUnregister,
  type RequestCheck,
} from "../../../src/sessions/server/session-check.js";
import { id, type RequestParts, TestTable } from "../table/test-table.js";

const bound: CheckedStream = { user: "ann", bound: true };
const lagging = { afterBarrier: false };
const caughtUp = { afterBarrier: true };

/** A server with its table, and what is in flight at it. */
class Checker {
  readonly test: TestTable;
  readonly flights = new InFlight<string>();

  constructor(test: TestTable = new TestTable({ maxInFlight: 4, maxReplyBytes: 100 })) {
    this.test = test;
  }

  check(
    request: number,
    parts: RequestParts & { stream?: CheckedStream; afterBarrier?: boolean } = {},
  ): RequestCheck<string> {
    const { stream = bound, afterBarrier = true } = parts;
    const stamp = this.test.stamp(1, request, parts);
    return checkRequest(this.test.table, this.flights, stamp, stream, { afterBarrier });
  }

  /** The request was accepted, and its entry is on its way. */
  fly(request: number, parts: RequestParts = {}): void {
    const { client, session, digest } = this.test.stamp(1, request, parts);
    this.flights.add({ client, session, request, digest, value: `waiter of ${request}` });
  }
}

const refused = (row: number, code: Code, reason: string) => ({
  kind: "refused",
  row,
  error: expect.objectContaining({ code, reason }),
});

describe("checkRequest", () => {
  it("row 1: refuses a stream that is not authenticated before it says anything about the client", () => {
    const checker = new Checker();
    const stream = { user: undefined, bound: true };
    const expected = refused(1, Code.Unauthenticated, "NOT_AUTHENTICATED");
    expect(checker.check(1, { stream })).toEqual(expected);
    checker.test.open(1, { user: "bob" });
    expect(checker.check(1, { stream })).toEqual(expected);
  });

  it("row 2: says that there is no session only after a barrier", () => {
    const checker = new Checker();
    expect(checker.check(1, { afterBarrier: false })).toEqual({ kind: "barrier", row: 2 });
    expect(checker.check(1)).toEqual(refused(2, Code.NotFound, "NO_SESSION"));
  });

  it("row 3: refuses another user at once, whatever the number and the binding", () => {
    const checker = new Checker();
    checker.test.open(1, { user: "bob" });
    const expected = refused(3, Code.PermissionDenied, "SESSION_OWNED_BY_ANOTHER_USER");
    for (const session of [undefined, 1, 9_999]) {
      const parts = session === undefined ? {} : { session };
      expect(checker.check(1, { ...parts, afterBarrier: false })).toEqual(expected);
      expect(checker.check(1, { ...parts, stream: { user: "ann", bound: false } })).toEqual(expected);
    }
  });

  it("row 4: fences an older number at once, and tells what the table has", () => {
    const checker = new Checker();
    const created = checker.test.open(1, { nonce: 1 });
    checker.test.request(1, 1);
    const session = checker.test.open(1, { nonce: 2, previous: created });
    const check = checker.check(1, { session: created, afterBarrier: false });
    expect(check).toEqual(refused(4, Code.FailedPrecondition, "SESSION_MISMATCH"));
    const [detail] = check.kind === "refused" ? check.error.findDetails(SessionMismatchSchema) : [];
    expect(detail).toMatchObject({ session: BigInt(session), created: BigInt(created) });
  });

  it("row 5: says that a number does not exist only after a barrier", () => {
    const checker = new Checker();
    const session = checker.test.open(1) + 1;
    expect(checker.check(1, { session, afterBarrier: false })).toEqual({ kind: "barrier", row: 5 });
    expect(checker.check(1, { session })).toEqual(refused(5, Code.InvalidArgument, "SESSION_UNKNOWN"));
  });

  it("row 6: refuses a stream that is not bound, also for what was answered before", () => {
    const checker = new Checker();
    checker.test.open(1);
    checker.test.request(1, 1);
    const stream = { user: "ann", bound: false };
    const expected = refused(6, Code.Unauthenticated, "SESSION_NOT_BOUND");
    for (const request of [1, 2]) expect(checker.check(request, { stream })).toEqual(expected);
  });

  it("row 7: refuses what the client said that it has, whatever its digest, and also what is in flight", () => {
    const checker = new Checker();
    checker.test.open(1);
    for (const request of [1, 2, 3]) checker.test.request(1, request);
    checker.test.keepAlive(1, 2);
    checker.fly(2);
    const expected = refused(7, Code.AlreadyExists, "ALREADY_ANSWERED");
    for (const request of [1, 2]) {
      expect(checker.check(request)).toEqual(expected);
      expect(checker.check(request, { payload: "other" })).toEqual(expected);
    }
    expect(checker.check(3)).toMatchObject({ kind: "answer" });
  });

  it.each(["kept", "intent", "in flight"])(
    "row 8: refuses another request under a number that is %s",
    (known) => {
      const checker = new Checker();
      checker.test.open(1);
      if (known === "kept") checker.test.request(1, 1);
      else if (known === "intent") checker.test.intent(1, 1);
      else checker.fly(1);
      const expected = refused(8, Code.InvalidArgument, "REQUEST_REUSED");
      expect(checker.check(1, { payload: "other" })).toEqual(expected);
      expect(checker.check(1, { method: "other" })).toEqual(expected);
      expect(checker.check(1)).not.toEqual(expected);
    },
  );

  it("row 9: joins what is in flight: one execution, two answers", () => {
    const checker = new Checker();
    checker.test.open(1);
    checker.fly(1);
    const { flight, ...rest } = { flight: undefined, ...checker.check(1) };
    expect(rest).toEqual({ kind: "join", row: 9 });
    expect(flight).toMatchObject({ request: 1, value: "waiter of 1" });
  });

  it("row 9: does not join what is in flight under an older number, which will not be applied", () => {
    const checker = new Checker();
    const first = checker.test.open(1, { nonce: 1 });
    checker.fly(1);
    checker.test.open(1, { nonce: 2, previous: first });
    expect(checker.check(1)).toEqual({ kind: "accept", row: 14 });
  });

  it("row 10: waits for an open intent", () => {
    const checker = new Checker();
    checker.test.open(1);
    const intentOp = checker.test.openIntent(1, 1);
    expect(checker.check(1)).toEqual({ kind: "awaitIntent", row: 10, intentOp });
  });

  it("row 11: answers the kept reply, byte for byte, with its op, also under a later number", () => {
    const checker = new Checker();
    const first = checker.test.open(1, { nonce: 1 });
    const effect = checker.test.request(1, 1);
    const reply = effect.kind === "applied" ? effect.reply : undefined;
    checker.test.open(1, { nonce: 2, previous: first });
    expect(checker.check(1)).toEqual({ kind: "answer", row: 11, op: effect.op, reply });
  });

  it("row 11: answers the reply of a guarded request with the op of its Result", () => {
    const checker = new Checker();
    checker.test.open(1);
    const intentOp = checker.test.openIntent(1, 1);
    const reply = { kind: "payload", bytes: Uint8Array.of(1) } as const;
    const { op } = checker.test.put({ kind: "result", intentOp, reply });
    expect(checker.check(1)).toEqual({ kind: "answer", row: 11, op, reply });
  });

  it("row 12: refuses what is above the window of the stamp, before it speaks of a gap", () => {
    const checker = new Checker();
    checker.test.open(1);
    const expected = refused(12, Code.ResourceExhausted, "WINDOW_FULL");
    expect(checker.check(5)).toEqual(expected);
    expect(checker.check(9, { respondedTo: 4 })).toEqual(expected);
    expect(checker.check(5, { respondedTo: 1 })).not.toEqual(expected);
  });

  it("row 12: refuses while the kept replies are too large, and reopens with the stamp that says they are consumed", () => {
    const checker = new Checker();
    checker.test.open(1);
    checker.test.answer = () => ({ kind: "payload", bytes: new Uint8Array(50) });
    checker.test.request(1, 1);
    expect(checker.check(2)).toMatchObject({ kind: "accept" });
    checker.test.request(1, 2);
    expect(checker.check(3)).toEqual(refused(12, Code.ResourceExhausted, "WINDOW_FULL"));
    // The table still has both: only an applied entry may take them away, and this stamp is on no entry yet.
    expect(checker.check(3, { respondedTo: 1 })).toEqual({ kind: "accept", row: 14 });
    expect(checker.test.request(1, 3, { respondedTo: 1 })).toMatchObject({ kind: "applied" });
  });

  it("row 12: still answers what was applied", () => {
    const checker = new Checker();
    checker.test.open(1);
    checker.test.answer = () => ({ kind: "payload", bytes: new Uint8Array(100) });
    checker.test.request(1, 1);
    expect(checker.check(1)).toMatchObject({ kind: "answer" });
  });

  it("row 13: says that one is missing only after a barrier", () => {
    const checker = new Checker();
    checker.test.open(1);
    expect(checker.check(2, { afterBarrier: false })).toEqual({ kind: "barrier", row: 13 });
    expect(checker.check(2)).toEqual(refused(13, Code.OutOfRange, "REQUEST_GAP"));
    checker.test.request(1, 1);
    expect(checker.check(2)).toEqual({ kind: "accept", row: 14 });
  });

  it("row 14: accepts the next one without a barrier, behind what is applied and what is in flight", () => {
    const checker = new Checker();
    checker.test.open(1);
    for (const request of [1, 2, 3]) {
      expect(checker.check(request, { afterBarrier: false })).toEqual({ kind: "accept", row: 14 });
      if (request === 1) checker.test.request(1, request);
      else checker.fly(request);
    }
    expect(checker.check(4, { afterBarrier: false })).toEqual({ kind: "accept", row: 14 });
  });

  it("a gap after a transient refusal heals: failed requests leave, and are accepted again in order", () => {
    const checker = new Checker();
    const session = checker.test.open(1);
    for (const request of [1, 2, 3]) checker.fly(request);
    const failed = checker.flights.takeFrom(id(1), session, 2);
    expect(failed.map(({ request }) => request)).toEqual([2, 3]);
    expect(checker.check(3)).toEqual(refused(13, Code.OutOfRange, "REQUEST_GAP"));
    expect(checker.check(2)).toEqual({ kind: "accept", row: 14 });
    checker.fly(2);
    expect(checker.check(3)).toEqual({ kind: "accept", row: 14 });
  });

  it("has one that came to nothing wait until those behind it have, too", () => {
    const checker = new Checker();
    const session = checker.test.open(1);
    checker.fly(2);
    expect(checker.check(1)).toEqual(refused(14, Code.Unavailable, "RETRY"));
    checker.flights.takeFrom(id(1), session, 1);
    expect(checker.check(1)).toEqual({ kind: "accept", row: 14 });
  });
});

describe("checkSession", () => {
  it("passes a read or a KeepAlive of a bound stream, and needs no barrier for it", () => {
    const { test } = new Checker();
    const session = test.open(1);
    const check = checkSession(test.table, { client: id(1), session }, bound, lagging);
    expect(check).toEqual({ kind: "passed", session: test.session(1) });
  });

  it("has nothing to say of windows", () => {
    const { test } = new Checker();
    const session = test.open(1);
    test.answer = () => ({ kind: "payload", bytes: new Uint8Array(100) });
    for (const request of [1, 2, 3, 4]) test.request(1, request);
    const check = checkSession(test.table, { client: id(1), session }, bound, lagging);
    expect(check).toMatchObject({ kind: "passed" });
  });
});

describe("checkUnregister", () => {
  const named = (session: number) => ({ client: id(1), session });

  it("needs an authenticated stream, but no bound one", () => {
    const { test } = new Checker();
    const session = test.open(1);
    const row1 = refused(1, Code.Unauthenticated, "NOT_AUTHENTICATED");
    expect(checkUnregister(test.table, named(session), undefined, caughtUp)).toEqual(row1);
    expect(checkUnregister(test.table, named(session), "ann", lagging)).toMatchObject({ kind: "passed" });
  });

  it("refuses another user", () => {
    const { test } = new Checker();
    const session = test.open(1);
    const row3 = refused(3, Code.PermissionDenied, "SESSION_OWNED_BY_ANOTHER_USER");
    for (const number of [session, 1]) {
      expect(checkUnregister(test.table, named(number), "bob", lagging)).toEqual(row3);
    }
  });

  it("is done where the session is not there: at once for an older number, else after a barrier", () => {
    const { test } = new Checker();
    expect(checkUnregister(test.table, named(10), "ann", lagging)).toEqual({ kind: "barrier", row: 3 });
    expect(checkUnregister(test.table, named(10), "ann", caughtUp)).toEqual({ kind: "done" });
    const session = test.open(1);
    expect(checkUnregister(test.table, named(session - 1), "ann", lagging)).toEqual({ kind: "done" });
    const newer = named(session + 1);
    expect(checkUnregister(test.table, newer, "ann", lagging)).toEqual({ kind: "barrier", row: 3 });
    expect(checkUnregister(test.table, newer, "ann", caughtUp)).toEqual({ kind: "done" });
  });
});
