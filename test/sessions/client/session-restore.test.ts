import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { SessionState } from "../../../src/sessions/client/session-state.js";
import {
  activeSession,
  answerOf,
  client,
  clusterId,
  errorOf,
  mismatchOf,
  nonceOf,
  start,
  startAndWrite,
  thrownBy,
  writeAll,
} from "./client-session.js";

/** Number 10; of requests 1 to 4 the second and the third are answered. */
function exported(): Uint8Array {
  const state = activeSession();
  startAndWrite(state, 4);
  state.complete(2, 22);
  state.complete(3, 23);
  return state.export();
}

describe("SessionState.restore", () => {
  it("holds the number, and registers with a nonce of its own before anything else", () => {
    const state = SessionState.restore(exported());
    expect(state).toMatchObject({
      phase: "new",
      session: 10,
      respondedTo: 0,
      nextRequest: 5,
      limits: undefined,
    });
    expect(thrownBy(() => start(state)).code).toBe(Code.FailedPrecondition);
    expect(state.nextToWrite()).toBeUndefined();
    expect(state.register(nonceOf(7))).toEqual({ client, nonce: nonceOf(7), previous: 10, clusterId });
  });

  it("writes again what is recorded under its old numbers, and gives new ones to what is new", () => {
    const state = SessionState.restore(exported());
    state.registered(state.register(nonceOf(7)), answerOf({ session: 30, highest: 3 }));
    expect(state.nextToWrite()).toEqual({ request: 1, method: "a.B/C", payload: Uint8Array.of(1) });
    expect(writeAll(state)).toEqual([1, 4]);
    state.complete(1, 21);
    expect(state.respondedTo).toBe(3);
    expect(start(state)).toBe(5);
  });

  it("does not stand still for numbers that another holder has used since: the window reopens", () => {
    const state = SessionState.restore(exported());
    // 5 to 9 were given out after the export; whoever called them is gone.
    state.registered(state.register(nonceOf(7)), answerOf({ session: 30, highest: 9 }));
    expect(state.hasRoom).toBe(false);
    state.complete(1, 21);
    state.complete(4, 24);
    expect(state.respondedTo).toBe(9);
    expect(start(state)).toBe(10);
  });

  it("takes recorded requests for written, and lets none of them be repeated", () => {
    const live = activeSession();
    start(live);
    const state = SessionState.restore(live.export());
    expect(state.end(errorOf("NO_SESSION"))).toMatchObject([
      { request: 1, error: { reason: "OUTCOME_UNKNOWN" } },
    ]);
  });

  it("keeps what it has seen: a read does not go behind it, and a log that has lost it is found out", () => {
    const live = activeSession();
    startAndWrite(live, 2);
    live.complete(2, 22);
    live.observe(29);
    const state = SessionState.restore(live.export());
    const registration = state.register(nonceOf(7));
    expect(state.registered(registration, answerOf({ session: 28, highest: 1 }))).toMatchObject({
      error: { code: Code.DataLoss, reason: "LOG_REGRESSED" },
    });
    state.registered(registration, answerOf({ session: 28, highest: 2 }));
    expect(state.readStamp().lastOp).toBe(29);
  });

  it("is for the cluster that it was exported from", () => {
    const state = SessionState.restore(exported());
    state.register(nonceOf(7));
    expect(thrownBy(() => state.assertValidFor("session", "d".repeat(32))).reason).toBe("WRONG_CLUSTER");
  });
});

describe("SessionState.takeOver", () => {
  const present = { session: 40, created: 10 };

  it("registers with the number that the session has got since", () => {
    const state = SessionState.restore(exported());
    const refused = state.register(nonceOf(7));
    expect(state.registerFailed(refused, mismatchOf(present))).toEqual({ kind: "takeOver", present });
    const registration = state.takeOver(nonceOf(8), present);
    expect(registration).toEqual({ client, nonce: nonceOf(8), previous: 40, clusterId });
    expect(state.registered(refused, answerOf({ session: 50 }))).toEqual({ kind: "stale" });
    expect(state.registered(registration, answerOf({ session: 50, highest: 4 }))).toEqual({ kind: "active" });
    expect(writeAll(state)).toEqual([1, 4]);
  });

  it("goes once", () => {
    const state = SessionState.restore(exported());
    state.register(nonceOf(7));
    const registration = state.takeOver(nonceOf(8), present);
    expect(state.registerFailed(registration, mismatchOf({ session: 60, created: 10 }))).toMatchObject({
      kind: "end",
      error: { reason: "SESSION_MISMATCH" },
    });
    expect(thrownBy(() => state.takeOver(nonceOf(9), present)).code).toBe(Code.FailedPrecondition);
  });

  it("is over with the first registration that succeeds", () => {
    const state = SessionState.restore(exported());
    state.registered(state.register(nonceOf(7)), answerOf({ session: 30, highest: 3 }));
    const registration = state.register(nonceOf(8));
    expect(state.registerFailed(registration, mismatchOf(present))).toMatchObject({ kind: "end" });
  });

  it("is refused for a session that was made anew: it is empty, and recorded requests would run again", () => {
    const state = SessionState.restore(exported());
    const registration = state.register(nonceOf(7));
    expect(state.registerFailed(registration, mismatchOf({ session: 40, created: 35 }))).toMatchObject({
      kind: "end",
      error: { code: Code.NotFound, reason: "NO_SESSION" },
    });
    expect(thrownBy(() => state.takeOver(nonceOf(8), { session: 40, created: 35 })).code).toBe(
      Code.FailedPrecondition,
    );
  });

  it.each([
    { session: 9, created: 9 },
    { session: 40, created: 9 },
  ])("is refused where the log went back to %j", (regressed) => {
    const state = SessionState.restore(exported());
    expect(state.registerFailed(state.register(nonceOf(7)), mismatchOf(regressed))).toMatchObject({
      kind: "end",
      error: { code: Code.DataLoss, reason: "LOG_REGRESSED" },
    });
  });

  it("is refused where the answer does not say what the session has now", () => {
    const state = SessionState.restore(exported());
    const error = errorOf("SESSION_MISMATCH", Code.FailedPrecondition);
    expect(state.registerFailed(state.register(nonceOf(7)), error)).toMatchObject({ kind: "end" });
  });

  it("can be turned off", () => {
    const state = SessionState.restore(exported(), { takeOver: false });
    expect(state.registerFailed(state.register(nonceOf(7)), mismatchOf(present))).toMatchObject({
      kind: "end",
      error: { reason: "SESSION_MISMATCH" },
    });
  });
});
