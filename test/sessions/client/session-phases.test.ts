import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { type SessionPhase, SessionState } from "../../../src/sessions/client/session-state.js";
import {
  activeSession,
  answerOf,
  client,
  clusterId,
  errorOf,
  nonceOf,
  start,
  thrownBy,
} from "./client-session.js";

const phases: readonly SessionPhase[] = ["new", "registering", "active", "unregistering", "closed"];

/** A session in this phase, with request 1 unanswered where there can be one. */
function sessionIn(phase: SessionPhase): SessionState {
  if (phase === "new") return new SessionState(client);
  const state = activeSession();
  if (phase === "unregistering" || phase === "closed") {
    state.unregister();
    if (phase === "closed") state.unregistered();
    return state;
  }
  start(state);
  if (phase === "registering") state.register(nonceOf(2));
  return state;
}

const transitions: readonly {
  readonly name: string;
  readonly run: (state: SessionState) => unknown;
  readonly from: readonly SessionPhase[];
  readonly to: SessionPhase | "same";
}[] = [
  { name: "register", run: (s) => s.register(nonceOf(9)), from: ["new", "active"], to: "registering" },
  { name: "register again", run: (s) => s.registerAgain(), from: ["active"], to: "registering" },
  { name: "start a request", run: (s) => start(s), from: ["active"], to: "same" },
  { name: "write a request", run: (s) => s.wrote(1), from: ["active"], to: "same" },
  { name: "resend", run: (s) => s.resend(), from: ["active"], to: "same" },
  { name: "stamp a request", run: (s) => s.requestStamp(1), from: ["active"], to: "same" },
  { name: "stamp a read", run: (s) => s.readStamp(), from: ["active"], to: "same" },
  {
    name: "be told limits",
    run: (s) => s.updateLimits(answerOf().limits),
    from: ["registering", "active", "unregistering"],
    to: "same",
  },
  { name: "unregister", run: (s) => s.unregister({ abort: true }), from: ["active"], to: "unregistering" },
  { name: "be unregistered", run: (s) => s.unregistered(), from: ["unregistering"], to: "closed" },
  {
    name: "end",
    run: (s) => s.end(errorOf("NO_SESSION")),
    from: ["new", "registering", "active", "unregistering"],
    to: "closed",
  },
  {
    name: "send a request",
    run: (s) => s.assertValidFor("request", clusterId),
    from: ["active"],
    to: "same",
  },
  {
    name: "send a Register or an Unregister",
    run: (s) => s.assertValidFor("session", clusterId),
    from: ["registering", "unregistering"],
    to: "same",
  },
  { name: "be exported", run: (s) => s.export(), from: ["registering", "active"], to: "same" },
];
const cells = transitions.flatMap((transition) => phases.map((phase) => ({ ...transition, phase })));

describe("SessionState", () => {
  it.each(cells.filter(({ from, phase }) => from.includes(phase)))(
    "when it is $phase can $name",
    ({ run, phase, to }) => {
      const state = sessionIn(phase);
      run(state);
      expect(state.phase).toBe(to === "same" ? phase : to);
    },
  );

  it.each(cells.filter(({ from, phase }) => !from.includes(phase)))(
    "when it is $phase cannot $name",
    ({ run, phase }) => {
      const state = sessionIn(phase);
      const error = thrownBy(() => run(state));
      const closed = { code: Code.NotFound, reason: "NO_SESSION" };
      expect(error).toMatchObject(
        phase === "closed" ? closed : { code: Code.FailedPrecondition, reason: undefined },
      );
      expect(state.phase).toBe(phase);
    },
  );

  it("cannot take itself over where nothing is being registered", () => {
    const state = activeSession();
    expect(thrownBy(() => state.takeOver(nonceOf(2), { session: 20, created: 10 }))).toMatchObject({
      code: Code.FailedPrecondition,
    });
  });

  it("says why it was ended, to whoever uses it later", () => {
    const state = activeSession();
    const cause = errorOf("SESSION_MISMATCH", Code.FailedPrecondition);
    state.end(cause);
    expect(state.ended).toBe(cause);
    expect(thrownBy(() => start(state)).cause).toBe(cause);
  });

  it.each(["", "0".repeat(32), "A".repeat(32), "a".repeat(31), "a".repeat(33)])(
    "refuses the client id %j",
    (odd) => {
      expect(thrownBy(() => new SessionState(odd)).code).toBe(Code.InvalidArgument);
    },
  );

  it.each(["", "A".repeat(32), "a".repeat(31)])("refuses the nonce %j, and stays as it was", (odd) => {
    const state = new SessionState(client);
    expect(thrownBy(() => state.register(odd)).code).toBe(Code.InvalidArgument);
    expect(state.phase).toBe("new");
  });

  it("shows neither its client id nor payloads when it is printed", () => {
    const state = activeSession();
    state.start({ method: "a.B/C", payload: Buffer.from("payload") });
    expect(JSON.stringify(state)).toBe("{}");
    expect(inspect(state, { showHidden: true, depth: 9 })).not.toMatch(new RegExp(`${client}|payload|a.B`));
  });
});

describe("SessionState.assertValidFor", () => {
  it.each(["request", "session"] as const)("refuses a %s for another cluster", (kind) => {
    const state = activeSession();
    if (kind === "session") state.register(nonceOf(2));
    const error = thrownBy(() => state.assertValidFor(kind, "d".repeat(32)));
    expect(error).toMatchObject({ code: Code.FailedPrecondition, reason: "WRONG_CLUSTER" });
    expect(() => state.assertValidFor(kind, clusterId)).not.toThrow();
  });

  it("takes any cluster for the first Register", () => {
    const state = new SessionState(client);
    state.register(nonceOf(1));
    expect(() => state.assertValidFor("session", "d".repeat(32))).not.toThrow();
  });
});

describe("SessionState.unregister", () => {
  it("is refused while requests are unanswered", () => {
    const state = activeSession();
    start(state);
    expect(thrownBy(() => state.unregister()).code).toBe(Code.FailedPrecondition);
    state.complete(1, 11);
    expect(state.unregister()).toEqual([]);
  });

  it("gives them up with abort, those that were written and those that were not", () => {
    const state = activeSession();
    start(state);
    state.wrote(1);
    start(state);
    expect(state.unregister({ abort: true })).toMatchObject([
      { request: 1, error: { code: Code.Aborted, reason: "OUTCOME_UNKNOWN" } },
      { request: 2, error: { code: Code.NotFound, reason: "NO_SESSION" } },
    ]);
  });
});
