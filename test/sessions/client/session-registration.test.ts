import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import type { RegisterAnswer } from "../../../src/sessions/client/register-answer.js";
import { SessionState } from "../../../src/sessions/client/session-state.js";
import {
  activeSession,
  answerOf,
  client,
  clusterId,
  errorOf,
  mismatchOf,
  nonceOf,
  startAndWrite,
  thrownBy,
  writeAll,
} from "./client-session.js";

describe("SessionState.register", () => {
  it("asks for a new session first, and resumes it thereafter", () => {
    const state = new SessionState(client);
    const first = state.register(nonceOf(1));
    expect(first).toEqual({ client, nonce: nonceOf(1), previous: 0, clusterId: undefined });
    state.registered(first, answerOf());
    expect(state.register(nonceOf(2))).toEqual({ client, nonce: nonceOf(2), previous: 10, clusterId });
  });

  it("keeps what it holds until an answer says otherwise", () => {
    const state = activeSession();
    state.register(nonceOf(2));
    expect(state.session).toBe(10);
  });

  it("refuses the nonce of the registration before: it would be taken for a retry of that", () => {
    const state = activeSession();
    expect(thrownBy(() => state.register(nonceOf(1))).code).toBe(Code.InvalidArgument);
    expect(state.phase).toBe("active");
  });
});

describe("SessionState.registerAgain", () => {
  it("sends the same nonce and the same previous, and the number stays", () => {
    const state = activeSession();
    state.registered(state.register(nonceOf(2)), answerOf({ session: 20 }));
    const again = state.registerAgain();
    expect(again).toEqual({ client, nonce: nonceOf(2), previous: 10, clusterId });
    expect(state.registered(again, answerOf({ session: 20 }))).toEqual({ kind: "active" });
    expect(state.session).toBe(20);
  });

  it("writes again what is unanswered", () => {
    const state = activeSession();
    startAndWrite(state, 2);
    state.registered(state.registerAgain(), answerOf());
    expect(writeAll(state)).toEqual([1, 2]);
  });

  it("ends the session when the server has made a new one, after the old was evicted", () => {
    const state = activeSession();
    startAndWrite(state, 2);
    // The first Register has `previous` 0, so an evicted session is not seen but made anew, and empty.
    const outcome = state.registered(state.registerAgain(), answerOf({ session: 90, created: 90 }));
    expect(outcome).toMatchObject({ kind: "end", error: { code: Code.NotFound, reason: "NO_SESSION" } });
    expect(state.nextToWrite()).toBeUndefined();
  });
});

describe("SessionState.registered", () => {
  it("counts numbers up to highest that are not recorded as answered, and gives out none of them again", () => {
    const state = activeSession();
    startAndWrite(state, 2);
    state.complete(1, 11);
    state.registered(state.register(nonceOf(2)), answerOf({ session: 30, highest: 7 }));
    expect(state.nextRequest).toBe(8);
    expect(state.respondedTo).toBe(1);
    state.complete(2, 12);
    expect(state.respondedTo).toBe(7);
  });

  it("never gives a number back when highest is lower", () => {
    const state = activeSession();
    startAndWrite(state, 3);
    state.registered(state.register(nonceOf(2)), answerOf({ session: 30, highest: 1 }));
    expect(state.nextRequest).toBe(4);
  });

  it("takes the limits of the answer", () => {
    const state = activeSession();
    const limits = { ...answerOf().limits, maxInFlight: 9 };
    state.registered(state.register(nonceOf(2)), answerOf({ session: 30, limits }));
    expect(state.limits).toEqual(limits);
  });

  it("passes over late answers to earlier registrations, and to tries before the last repetition", () => {
    const state = new SessionState(client);
    const first = state.register(nonceOf(1));
    state.registered(first, answerOf());
    expect(state.registered(first, answerOf())).toEqual({ kind: "stale" });
    startAndWrite(state, 1);
    state.complete(1, 11);
    state.registerAgain();
    expect(state.registered(first, answerOf())).toEqual({ kind: "stale" });
    expect(state.registerFailed(first, errorOf("NO_SESSION", Code.NotFound))).toEqual({ kind: "stale" });
    expect(state.phase).toBe("registering");
  });

  // A session with number 20, created at 10, whose requests up to 3 are answered; it resumes.
  const contradictions: readonly {
    readonly name: string;
    readonly changes: Partial<RegisterAnswer>;
    readonly code: Code;
    readonly reason: string;
  }[] = [
    {
      name: "is of another cluster",
      changes: { clusterId: "d".repeat(32) },
      code: Code.FailedPrecondition,
      reason: "WRONG_CLUSTER",
    },
    { name: "was made anew", changes: { created: 31 }, code: Code.NotFound, reason: "NO_SESSION" },
    { name: "was made earlier", changes: { created: 9 }, code: Code.DataLoss, reason: "LOG_REGRESSED" },
    { name: "has a lower number", changes: { session: 19 }, code: Code.DataLoss, reason: "LOG_REGRESSED" },
    { name: "has the same number", changes: { session: 20 }, code: Code.DataLoss, reason: "LOG_REGRESSED" },
    {
      name: "has lost an answered request",
      changes: { highest: 2 },
      code: Code.DataLoss,
      reason: "LOG_REGRESSED",
    },
  ];
  it.each(contradictions)("ends a session that $name", ({ changes, code, reason }) => {
    const state = activeSession();
    state.registered(state.register(nonceOf(2)), answerOf({ session: 20 }));
    startAndWrite(state, 3);
    for (const request of [1, 2, 3]) state.complete(request, 20 + request);
    const registration = state.register(nonceOf(3));
    const outcome = state.registered(registration, answerOf({ session: 31, highest: 3, ...changes }));
    expect(outcome).toMatchObject({ kind: "end", error: { code, reason } });
    expect(state).toMatchObject({ phase: "registering", session: 20 });
  });

  it("ends a session that has lost a request answered out of order", () => {
    const state = activeSession();
    startAndWrite(state, 3);
    state.complete(3, 20);
    const outcome = state.registered(state.register(nonceOf(2)), answerOf({ session: 31, highest: 2 }));
    expect(outcome).toMatchObject({ kind: "end", error: { reason: "LOG_REGRESSED" } });
  });

  it("ends a session whose highest is below what an earlier answer to a Register had", () => {
    const state = activeSession();
    startAndWrite(state, 3);
    state.registered(state.register(nonceOf(2)), answerOf({ session: 30, highest: 3 }));
    const outcome = state.registered(state.register(nonceOf(3)), answerOf({ session: 40, highest: 2 }));
    expect(outcome).toMatchObject({ kind: "end", error: { reason: "LOG_REGRESSED" } });
  });

  it("does not take a request for lost that was answered while it registered", () => {
    const state = activeSession();
    startAndWrite(state, 1);
    const registration = state.registerAgain();
    // Applied behind the Register under the same number, and answered on the old stream before it.
    state.complete(1, 50);
    expect(state.registered(registration, answerOf())).toEqual({ kind: "active" });
    expect(state.respondedTo).toBe(1);
  });

  it.each([
    { session: 0 },
    { created: 0 },
    { created: 41 },
    { session: 2 ** 53 },
    { highest: -1 },
    { highest: 1.5 },
    { highest: Number.MAX_SAFE_INTEGER },
    { respondedTo: 1 },
    { respondedTo: -1 },
    { clusterId: "" },
    { limits: { ...answerOf().limits, maxInFlight: 0 } },
    { limits: { ...answerOf().limits, maxWaitMs: Number.NaN } },
  ])("ends at an answer that no server may give: %j", (changes) => {
    const state = new SessionState(client);
    const outcome = state.registered(state.register(nonceOf(1)), answerOf({ session: 40, ...changes }));
    expect(outcome).toMatchObject({
      kind: "end",
      error: { code: Code.Internal, reason: "BAD_SESSION_ANSWER" },
    });
  });
});

describe("SessionState.registerFailed", () => {
  it.each([
    { code: Code.Unavailable, reason: "LOG_UNAVAILABLE" },
    { code: Code.Unavailable, reason: "RETRY" },
    { code: Code.Unavailable, reason: "SERVER_CLOSING" },
    { code: Code.Unavailable, reason: undefined },
    { code: Code.DeadlineExceeded, reason: undefined },
    { code: Code.Canceled, reason: undefined },
    { code: Code.ResourceExhausted, reason: "TOO_MANY_LOGINS" },
    { code: Code.Aborted, reason: undefined },
    { code: Code.Internal, reason: undefined },
    { code: Code.Unknown, reason: undefined },
  ])("tries again after $code $reason", ({ code, reason }) => {
    const state = new SessionState(client);
    expect(state.registerFailed(state.register(nonceOf(1)), errorOf(reason, code))).toEqual({
      kind: "retry",
    });
  });

  it.each([
    { code: Code.NotFound, reason: "NO_SESSION" },
    { code: Code.PermissionDenied, reason: "SESSION_OWNED_BY_ANOTHER_USER" },
    { code: Code.Unauthenticated, reason: "BAD_CREDENTIALS" },
    { code: Code.Unauthenticated, reason: "TOKEN_EXPIRED" },
    { code: Code.Unauthenticated, reason: "USER_INACTIVE" },
    { code: Code.FailedPrecondition, reason: "WRONG_CLUSTER" },
    { code: Code.FailedPrecondition, reason: "INSECURE_CREDENTIALS" },
    { code: Code.FailedPrecondition, reason: "STREAM_HAS_USER" },
    { code: Code.InvalidArgument, reason: "BAD_STAMP" },
    { code: Code.DataLoss, reason: "LOG_REGRESSED" },
    { code: Code.Unimplemented, reason: undefined },
  ])("ends after $code $reason", ({ code, reason }) => {
    const state = new SessionState(client);
    const error = errorOf(reason, code);
    expect(state.registerFailed(state.register(nonceOf(1)), error)).toEqual({ kind: "end", error });
  });

  it("never takes a live session over", () => {
    const state = activeSession();
    const registration = state.register(nonceOf(2));
    expect(state.registerFailed(registration, mismatchOf({ session: 20, created: 10 }))).toMatchObject({
      kind: "end",
      error: { code: Code.FailedPrecondition, reason: "SESSION_MISMATCH" },
    });
    expect(thrownBy(() => state.takeOver(nonceOf(3), { session: 20, created: 10 })).code).toBe(
      Code.FailedPrecondition,
    );
  });

  it("ends a first registration that finds a session", () => {
    const state = new SessionState(client);
    const error = mismatchOf({ session: 20, created: 10 });
    expect(state.registerFailed(state.register(nonceOf(1)), error)).toMatchObject({
      kind: "end",
      error: { reason: "SESSION_MISMATCH" },
    });
  });
});
