import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import {
  type AnswerAction,
  classifyAnswer,
  classifyEviction,
  type EvictionReason,
  type SessionAnswer,
} from "../../../src/sessions/client/classify-answer.js";
import { activeSession, answerOf, errorOf, nonceOf, startAndWrite } from "./client-session.js";

/** A session with number 10, of whose requests 1, 2 and 3 the first is answered; and the action for an answer to it. */
function classify(changes: Partial<SessionAnswer>): AnswerAction {
  const state = activeSession();
  startAndWrite(state, 3);
  state.complete(1, 20);
  const answer = {
    request: 2,
    session: 10,
    onBoundStream: true,
    isLatest: true,
    wasLowest: true,
    op: undefined,
    error: undefined,
    ...changes,
  };
  return classifyAnswer(answer, state);
}

const elsewhere: readonly (Partial<SessionAnswer> & { readonly name: string })[] = [
  { name: "from another stream", onBoundStream: false },
  { name: "for an older number", session: 9 },
  { name: "for a newer number", session: 11 },
];

describe("classifyAnswer", () => {
  it.each([
    { name: "a reply", error: undefined },
    { name: "a handler's error", error: errorOf(undefined, Code.NotFound) },
    { name: "an error with a reason of the handler's own", error: errorOf("NO_SESSION", Code.NotFound) },
  ])("takes $name with an op as final, from any stream and for any number", ({ error }) => {
    const action = { kind: "final", op: 25 };
    expect(classify({ op: 25, error })).toEqual(action);
    for (const { name: _, ...where } of elsewhere)
      expect(classify({ op: 25, error, ...where })).toEqual(action);
  });

  it.each([
    { name: "with an op", op: 25, error: undefined },
    { name: "without one", op: undefined, error: errorOf("NO_SESSION") },
  ])("ignores what comes late for an answered request, $name", ({ op, error }) => {
    expect(classify({ request: 1, op, error })).toEqual({ kind: "ignore" });
  });

  it.each(elsewhere)("ignores refusals $name", ({ name: _, ...where }) => {
    for (const reason of ["NO_SESSION", "SESSION_MISMATCH", "RETRY", "ALREADY_ANSWERED", undefined]) {
      expect(classify({ error: errorOf(reason), ...where })).toEqual({ kind: "ignore" });
    }
  });

  it("ignores refusals while it registers, and takes answers with an op", () => {
    const state = activeSession();
    startAndWrite(state, 1);
    const registration = state.register(nonceOf(2));
    const written = { request: 1, session: 10, onBoundStream: true, isLatest: true, wasLowest: true };
    const answer = { ...written, op: undefined };
    expect(classifyAnswer({ ...answer, error: errorOf("SESSION_MISMATCH") }, state)).toEqual({
      kind: "ignore",
    });
    expect(classifyAnswer({ ...answer, op: 20, error: undefined }, state)).toEqual({ kind: "final", op: 20 });
    state.registered(registration, answerOf({ session: 30 }));
    expect(classifyAnswer({ ...answer, error: errorOf("SESSION_MISMATCH") }, state)).toEqual({
      kind: "ignore",
    });
  });

  it.each(["ALREADY_ANSWERED", "REQUEST_REUSED"])("counts the number as answered after %s", (reason) => {
    const error = errorOf(reason, Code.AlreadyExists);
    expect(classify({ error })).toEqual({ kind: "answered", error });
  });

  it.each(["NOT_AUTHENTICATED", "SESSION_NOT_BOUND"])("registers again after %s", (reason) => {
    const error = errorOf(reason, Code.Unauthenticated);
    expect(classify({ error })).toEqual({ kind: "registerAgain", error });
  });

  it.each([
    "LOG_UNAVAILABLE",
    "RETRY",
    "WINDOW_FULL",
    // Not of sessions: a full queue, a closing server, a lost stream.
    "REQUEST_QUEUE_FULL",
    "SEND_QUEUE_FULL",
    "SERVER_CLOSING",
    "NOT_CONNECTED",
    undefined,
  ])("backs off and sends all again after %s", (reason) => {
    const error = errorOf(reason);
    expect(classify({ error })).toEqual({ kind: "resend", error });
  });

  it("ends at a gap before a number below which all were answered when it was written, else sends all again", () => {
    const error = errorOf("REQUEST_GAP", Code.OutOfRange);
    expect(classify({ error })).toEqual({ kind: "end", error });
    // The lower ones may have been answered since: then sending again closes the gap.
    expect(classify({ error, wasLowest: false })).toEqual({ kind: "resend", error });
  });

  it.each(["RETRY", "SESSION_NOT_BOUND", "REQUEST_GAP"])(
    "ignores a %s for a write that was done once more since",
    (reason) => {
      expect(classify({ error: errorOf(reason), isLatest: false })).toEqual({ kind: "ignore" });
    },
  );

  it("ends at what is for good, and takes what counts as answered, whichever write it answers", () => {
    const error = errorOf("NO_SESSION", Code.NotFound);
    expect(classify({ error, isLatest: false })).toEqual({ kind: "end", error });
    const answered = errorOf("ALREADY_ANSWERED", Code.AlreadyExists);
    expect(classify({ error: answered, isLatest: false })).toEqual({ kind: "answered", error: answered });
  });

  it.each([
    "BAD_STAMP",
    "LOG_REGRESSED",
    "NO_SESSION",
    "OUTCOME_UNKNOWN",
    "SESSION_MISMATCH",
    "SESSION_OWNED_BY_ANOTHER_USER",
    "SESSION_UNKNOWN",
    "STREAM_HAS_USER",
    "WRONG_CLUSTER",
  ])("ends after %s", (reason) => {
    const error = errorOf(reason, Code.FailedPrecondition);
    expect(classify({ error })).toEqual({ kind: "end", error });
  });

  it("ends at a reply without an op: the server runs calls without a session", () => {
    expect(classify({})).toMatchObject({ kind: "end", error: { reason: "BAD_SESSION_ANSWER" } });
  });

  it("judges reads and KeepAlives, which have no number, in the same way", () => {
    const read = { request: undefined };
    expect(classify({ ...read, op: 30 })).toEqual({ kind: "final", op: 30 });
    expect(classify({ ...read, error: errorOf("RETRY") })).toMatchObject({ kind: "resend" });
    expect(classify({ ...read, error: errorOf("SESSION_NOT_BOUND") })).toMatchObject({
      kind: "registerAgain",
    });
    expect(classify({ ...read, error: errorOf("NO_SESSION") })).toMatchObject({ kind: "end" });
    expect(classify({ ...read, error: errorOf("NO_SESSION"), onBoundStream: false })).toEqual({
      kind: "ignore",
    });
  });
});

describe("classifyEviction", () => {
  const reasons: readonly { readonly reason: EvictionReason; readonly code: Code; readonly as: string }[] = [
    { reason: "capacity", code: Code.NotFound, as: "NO_SESSION" },
    { reason: "expired", code: Code.NotFound, as: "NO_SESSION" },
    { reason: "unregistered", code: Code.NotFound, as: "NO_SESSION" },
    { reason: "unknown", code: Code.NotFound, as: "NO_SESSION" },
    { reason: "takenOver", code: Code.FailedPrecondition, as: "SESSION_MISMATCH" },
  ];

  it.each(reasons)("ends the session: $reason", ({ reason, code, as }) => {
    const eviction = { session: 10, reason, onBoundStream: true };
    expect(classifyEviction(eviction, activeSession())).toMatchObject({
      kind: "end",
      error: { code, reason: as },
    });
  });

  it.each(elsewhere)("is ignored $name", ({ session = 10, onBoundStream = true }) => {
    const eviction = { session, reason: "takenOver" as const, onBoundStream };
    expect(classifyEviction(eviction, activeSession())).toEqual({ kind: "ignore" });
  });

  it("is ignored while a registration of its own is under way", () => {
    const state = activeSession();
    state.register(nonceOf(2));
    const eviction = { session: 10, reason: "takenOver" as const, onBoundStream: true };
    expect(classifyEviction(eviction, state)).toEqual({ kind: "ignore" });
  });
});
