import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import {
  activeSession,
  answerOf,
  client,
  errorOf,
  nonceOf,
  start,
  startAndWrite,
  thrownBy,
  writeAll,
} from "./client-session.js";

describe("SessionState, the numbers of requests", () => {
  it("are 1, 2, 3, ...", () => {
    const state = activeSession();
    expect([start(state), start(state), start(state)]).toEqual([1, 2, 3]);
  });

  it("go up to responded-to and maxInFlight", () => {
    const state = activeSession();
    startAndWrite(state, 4);
    expect(state.hasRoom).toBe(false);
    expect(thrownBy(() => start(state))).toMatchObject({
      code: Code.ResourceExhausted,
      reason: "WINDOW_FULL",
    });
    // The window moves with the gapless prefix, not with the count of what is in flight.
    for (const request of [2, 3, 4]) state.complete(request, 20 + request);
    expect(state.hasRoom).toBe(false);
    state.complete(1, 30);
    expect(state.hasRoom).toBe(true);
    expect(start(state)).toBe(5);
  });

  it("are not given to what is too large, or has no method", () => {
    const state = activeSession();
    const payload = new Uint8Array(101);
    expect(thrownBy(() => state.start({ method: "a.B/C", payload }))).toMatchObject({
      code: Code.ResourceExhausted,
      reason: "REQUEST_TOO_LARGE",
    });
    expect(thrownBy(() => start(state, "")).code).toBe(Code.InvalidArgument);
    expect(thrownBy(() => start(state, "m".repeat(65_536))).code).toBe(Code.InvalidArgument);
    expect(state.nextRequest).toBe(1);
    expect(state.start({ method: "a.B/C", payload: payload.subarray(1) })).toBe(1);
  });

  it("take the window that a KeepAlive has answered", () => {
    const state = activeSession();
    state.updateLimits({ ...answerOf().limits, maxInFlight: 1 });
    start(state);
    expect(state.hasRoom).toBe(false);
    state.updateLimits({ ...answerOf().limits, maxInFlight: 2 });
    expect(state.hasRoom).toBe(true);
  });

  it.each(["maxInFlight", "maxRequestBytes", "maxWaitMs", "idleTimeoutMs"])("refuse a %s of 0", (name) => {
    const state = activeSession();
    const error = thrownBy(() => state.updateLimits({ ...answerOf().limits, [name]: 0 }));
    expect(error).toMatchObject({ code: Code.Internal, reason: "BAD_SESSION_ANSWER" });
    expect(state.limits).toEqual(answerOf().limits);
  });
});

describe("SessionState, answers", () => {
  it("advance responded-to over a gapless prefix only", () => {
    const state = activeSession();
    startAndWrite(state, 4);
    const seen = [3, 1, 4, 2].map((request) => {
      state.complete(request, 20 + request);
      return state.respondedTo;
    });
    expect(seen).toEqual([0, 1, 1, 4]);
  });

  it("count once", () => {
    const state = activeSession();
    startAndWrite(state, 2);
    expect([
      state.complete(2, 20),
      state.complete(2, 20),
      state.complete(1, 19),
      state.complete(2, 20),
    ]).toEqual([true, false, true, false]);
    expect(state.respondedTo).toBe(2);
  });

  it.each([0, 3, -1, 1.5, Number.NaN])("to request %d, which was never given out, throw", (request) => {
    const state = activeSession();
    startAndWrite(state, 2);
    expect(thrownBy(() => state.complete(request, 20)).code).toBe(Code.InvalidArgument);
  });

  it("that come after the session has ended count for nothing", () => {
    const state = activeSession();
    startAndWrite(state, 1);
    state.end(errorOf("NO_SESSION"));
    expect(state.complete(1, 20)).toBe(false);
  });
});

describe("SessionState, stamps", () => {
  it("carry the session number and responded-to of the moment", () => {
    const state = activeSession();
    startAndWrite(state, 3);
    expect(state.requestStamp(3)).toEqual({ client, session: 10, request: 3, respondedTo: 0 });
    state.complete(1, 21);
    state.registered(state.register(nonceOf(2)), answerOf({ session: 30, highest: 1 }));
    expect(state.requestStamp(3)).toEqual({ client, session: 30, request: 3, respondedTo: 1 });
  });

  it("are there for unanswered requests only: responded-to must stay below", () => {
    const state = activeSession();
    startAndWrite(state, 1);
    state.complete(1, 21);
    expect(thrownBy(() => state.requestStamp(1)).code).toBe(Code.InvalidArgument);
  });

  it("of a read carry the highest op that was seen, and no number", () => {
    const state = activeSession();
    expect(state.readStamp()).toEqual({ client, session: 10, lastOp: 10 });
    startAndWrite(state, 1);
    state.complete(1, 25);
    state.observe(24);
    expect(state.readStamp().lastOp).toBe(25);
    state.observe(26);
    expect(state.readStamp().lastOp).toBe(26);
    expect(state.nextRequest).toBe(2);
  });
});

describe("SessionState, writing", () => {
  it("goes in the order of the numbers", () => {
    const state = activeSession();
    start(state);
    start(state);
    expect(state.nextToWrite()?.request).toBe(1);
    expect(thrownBy(() => state.wrote(2)).code).toBe(Code.InvalidArgument);
    expect(writeAll(state)).toEqual([1, 2]);
    expect(thrownBy(() => state.wrote(2)).code).toBe(Code.InvalidArgument);
  });

  it("hands over what was started, byte for byte", () => {
    const state = activeSession();
    const payload = Uint8Array.of(1, 2, 3);
    state.start({ method: "a.B/C", payload });
    expect(state.nextToWrite()).toEqual({ request: 1, method: "a.B/C", payload });
  });

  it("goes again for all that is unanswered, before anything new", () => {
    const state = activeSession();
    startAndWrite(state, 3);
    state.complete(2, 20);
    state.resend();
    start(state);
    expect(writeAll(state)).toEqual([1, 3, 4]);
  });

  it("goes again after each registration, and not during it", () => {
    const state = activeSession();
    startAndWrite(state, 2);
    const registration = state.register(nonceOf(2));
    expect(state.nextToWrite()).toBeUndefined();
    state.complete(1, 20);
    state.registered(registration, answerOf({ session: 30, highest: 1 }));
    expect(writeAll(state)).toEqual([2]);
  });

  it("starts from the lowest again when it is told so half-way", () => {
    const state = activeSession();
    startAndWrite(state, 3);
    state.resend();
    state.wrote(1);
    state.resend();
    expect(writeAll(state)).toEqual([1, 2, 3]);
  });
});

describe("SessionState.end", () => {
  it("says of what was never written that it was not applied, of the rest that nobody knows", () => {
    const state = activeSession();
    startAndWrite(state, 3);
    state.complete(2, 20);
    start(state);
    const cause = errorOf("NO_SESSION", Code.NotFound);
    const failures = state.end(cause);
    expect(failures).toMatchObject([
      { request: 1, error: { code: Code.Aborted, reason: "OUTCOME_UNKNOWN", cause } },
      { request: 3, error: { code: Code.Aborted, reason: "OUTCOME_UNKNOWN", cause } },
      { request: 4, error: { code: Code.NotFound, reason: "NO_SESSION", cause } },
    ]);
    expect(state.lowestUnanswered).toBeUndefined();
  });

  it("remembers that a request was written once, though it was to be written again", () => {
    const state = activeSession();
    startAndWrite(state, 1);
    state.register(nonceOf(2));
    expect(state.end(errorOf("NO_SESSION"))).toMatchObject([{ error: { reason: "OUTCOME_UNKNOWN" } }]);
  });

  it("remembers it, too, when others before it were written again meanwhile", () => {
    const state = activeSession();
    startAndWrite(state, 2);
    state.resend();
    state.wrote(1);
    expect(state.end(errorOf("NO_SESSION"))).toMatchObject([
      { request: 1, error: { reason: "OUTCOME_UNKNOWN" } },
      { request: 2, error: { reason: "OUTCOME_UNKNOWN" } },
    ]);
  });
});
