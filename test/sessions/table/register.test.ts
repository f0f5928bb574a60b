import { describe, expect, it } from "vitest";
import { id, TestTable, textOf } from "./test-table.js";

describe("applying a Register", () => {
  it("rule 3: makes a session, whose number is the op and stays the one it was created at", () => {
    const test = new TestTable();
    const effect = test.register(1, { user: "ann", nonce: 5 });
    const state = { client: id(1), user: "ann", session: 10, created: 10, highest: 0, respondedTo: 0 };
    expect(effect).toEqual({ kind: "registered", op: 10, state, ended: [] });
    expect(test.session(1)).toMatchObject({ nonce: id(5), lastUseOp: 10, kept: [] });
  });

  it("rule 1: refuses another user before all else, so that a stolen client id and nonce are worth nothing", () => {
    const test = new TestTable();
    const session = test.open(1, { user: "ann", nonce: 5 });
    const copy = test.copy(1);
    for (const previous of [0, session, session + 100]) {
      expect(test.register(1, { user: "bob", nonce: 5, previous })).toMatchObject({
        kind: "registerRefused",
        reason: "SESSION_OWNED_BY_ANOTHER_USER",
      });
    }
    expect(test.session(1)).toEqual(copy);
  });

  it.each([0, 10, 4_000])(
    "rule 2: a duplicate (previous %i) is answered with the number that it got, and changes nothing",
    (previous) => {
      const test = new TestTable();
      test.open(1, { nonce: 5 });
      test.request(1, 1);
      test.open(2);
      const copy = test.copy(1);
      expect(test.register(1, { nonce: 5, previous })).toEqual({
        kind: "alreadyRegistered",
        op: 19,
        state: { client: id(1), user: "ann", session: 10, created: 10, highest: 1, respondedTo: 0 },
      });
      expect(test.session(1)).toEqual(copy);
      expect(test.clients()).toEqual([1, 2]);
    },
  );

  it("rule 2: a resume that is sent twice gives the number of the first one twice", () => {
    const test = new TestTable();
    const first = test.open(1, { nonce: 1 });
    const resumed = test.open(1, { nonce: 2, previous: first });
    expect(test.register(1, { nonce: 2, previous: first })).toMatchObject({
      kind: "alreadyRegistered",
      state: { session: resumed, created: first },
    });
  });

  it("rule 4: does not make a session for one who holds a number: what was applied before the session ended would run again", () => {
    const test = new TestTable();
    const session = test.open(1, { nonce: 1 });
    test.request(1, 1);
    test.put({ kind: "unregister", client: id(1), session });
    expect(test.register(1, { nonce: 2, previous: session })).toMatchObject({
      kind: "registerRefused",
      reason: "NO_SESSION",
    });
    expect(test.session(1)).toBeUndefined();
    expect(test.request(1, 1, { session })).toMatchObject({ kind: "ignored", why: "session" });
    expect(test.runs).toHaveLength(1);
  });

  it("rule 5: a holder of the number resumes: all but number, nonce and last use stays", () => {
    const test = new TestTable();
    const first = test.open(1, { nonce: 1 });
    test.request(1, 1);
    test.request(1, 2, { respondedTo: 1 });
    test.open(2);
    const effect = test.register(1, { nonce: 2, previous: first });
    expect(effect).toEqual({
      kind: "resumed",
      op: 22,
      fenced: first,
      state: { client: id(1), user: "ann", session: 22, created: first, highest: 2, respondedTo: 1 },
    });
    expect(test.session(1)).toMatchObject({ nonce: id(2), lastUseOp: 22 });
    expect(test.session(1)?.kept.map(({ reply }) => textOf(reply))).toEqual(["16 r2"]);
    expect(test.clients()).toEqual([2, 1]);
  });

  it("rule 5: the holder of the number before is fenced: nothing new of it is applied", () => {
    const test = new TestTable();
    const first = test.open(1, { nonce: 1 });
    test.open(1, { nonce: 2, previous: first });
    expect(test.request(1, 1, { session: first })).toMatchObject({ kind: "ignored", why: "session" });
    expect(test.keepAlive(1, 0, first)).toMatchObject({ kind: "ignored", why: "session" });
    expect(test.put({ kind: "unregister", client: id(1), session: first })).toMatchObject({ why: "session" });
    expect(test.runs).toEqual([]);
    expect(test.present(1).highest).toBe(0);
  });

  it("rule 6: a late duplicate of an older Register fences nobody, and says what the number is", () => {
    const test = new TestTable();
    const first = test.open(1, { nonce: 1 });
    const second = test.open(1, { nonce: 2, previous: first });
    const copy = test.copy(1);
    for (const late of [
      { nonce: 1, previous: 0 },
      { nonce: 3, previous: first },
      { nonce: 4, previous: 0 },
      { nonce: 5, previous: second + 1 },
    ]) {
      expect(test.register(1, late)).toMatchObject({
        kind: "registerRefused",
        reason: "SESSION_MISMATCH",
        session: second,
        created: first,
      });
    }
    expect(test.session(1)).toEqual(copy);
  });

  it("a late Register that makes an empty session under an old client id is told apart by `created`", () => {
    const test = new TestTable();
    const first = test.open(1, { nonce: 1 });
    test.request(1, 1);
    test.put({ kind: "unregister", client: id(1), session: first });
    const empty = test.open(1, { nonce: 1 });
    expect(test.register(1, { nonce: 9, previous: first })).toMatchObject({
      reason: "SESSION_MISMATCH",
      session: empty,
      created: empty,
    });
  });
});
