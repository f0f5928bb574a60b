import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { answerIgnored } from "../../../src/sessions/server/session-check.js";
import type { RequestIgnored } from "../../../src/sessions/table/effect.js";
import { id, type RequestParts, TestTable } from "../table/test-table.js";

/** Appends a request that changes nothing, and gives what its proposer answers. */
function answer(test: TestTable, request: number, parts: RequestParts & { user?: string } = {}) {
  const stamp = test.stamp(1, request, parts);
  const effect = test.request(1, request, parts);
  if (effect.kind !== "ignored") throw new Error(`the request was ${effect.kind}`);
  return answerIgnored(test.table, stamp, parts.user ?? "ann", effect.why as RequestIgnored);
}

const refused = (row: number, code: Code, reason: string) => ({
  kind: "refused",
  row,
  error: expect.objectContaining({ code, reason }),
});

describe("answerIgnored", () => {
  it("row 2: the session ended while the entry was on its way", () => {
    const test = new TestTable();
    const session = test.open(1);
    test.put({ kind: "unregister", client: id(1), session });
    expect(answer(test, 1, { session })).toEqual(refused(2, Code.NotFound, "NO_SESSION"));
  });

  it("row 3: the client id has a session of another user by now", () => {
    const test = new TestTable();
    const session = test.open(1, { user: "ann" });
    test.put({ kind: "unregister", client: id(1), session });
    test.open(1, { user: "bob" });
    const row3 = refused(3, Code.PermissionDenied, "SESSION_OWNED_BY_ANOTHER_USER");
    expect(answer(test, 1, { session })).toEqual(row3);
  });

  it("row 4: the client registered again while the entry was on its way", () => {
    const test = new TestTable();
    const first = test.open(1, { nonce: 1 });
    test.open(1, { nonce: 2, previous: first });
    const row4 = refused(4, Code.FailedPrecondition, "SESSION_MISMATCH");
    expect(answer(test, 1, { session: first })).toEqual(row4);
  });

  it("row 5: there is no such number", () => {
    const test = new TestTable();
    const session = test.open(1) + 1;
    expect(answer(test, 1, { session })).toEqual(refused(5, Code.InvalidArgument, "SESSION_UNKNOWN"));
  });

  it("row 7: another server applied it, and the client has the reply", () => {
    const test = new TestTable();
    test.open(1);
    test.request(1, 1);
    test.keepAlive(1, 1);
    expect(answer(test, 1)).toEqual(refused(7, Code.AlreadyExists, "ALREADY_ANSWERED"));
  });

  it("row 8: another server applied another request under the number", () => {
    const test = new TestTable();
    test.open(1);
    test.request(1, 1);
    const row8 = refused(8, Code.InvalidArgument, "REQUEST_REUSED");
    expect(answer(test, 1, { payload: "other" })).toEqual(row8);
  });

  it("row 10: another server won the intent", () => {
    const test = new TestTable();
    test.open(1);
    const intentOp = test.openIntent(1, 1);
    expect(answer(test, 1)).toEqual({ kind: "awaitIntent", row: 10, intentOp });
  });

  it("row 11: another server applied it", () => {
    const test = new TestTable();
    test.open(1);
    const effect = test.request(1, 1);
    const reply = effect.kind === "applied" ? effect.reply : undefined;
    expect(answer(test, 1)).toEqual({ kind: "answer", row: 11, op: effect.op, reply });
  });

  it("a gap is to be tried again, as the one below it is on its way", () => {
    const test = new TestTable();
    test.open(1);
    expect(answer(test, 2)).toEqual(refused(13, Code.Unavailable, "RETRY"));
  });

  it("a full window is to be tried again", () => {
    const test = new TestTable({ maxInFlight: 1 });
    test.open(1);
    test.request(1, 1);
    expect(answer(test, 2)).toEqual(refused(12, Code.ResourceExhausted, "WINDOW_FULL"));
  });
});
