import { Code, QuorateError, QuorumCallError } from "quorate";
import { describe, expect, it } from "vitest";
import { PeerNode } from "../../src/configuration/peer-node.js";
import { EventHub } from "../../src/configuration/quorate-event.js";

class LockedError extends QuorateError {
  readonly holder: string;

  constructor(holder: string) {
    super(Code.Aborted, `locked by ${holder}`, { reason: "LOCKED" });
    this.holder = holder;
  }
}

const unavailable = new QuorateError(Code.Unavailable, "connection refused");
const locked = new LockedError("node 7");

describe("QuorumCallError", () => {
  it("[ER-01] is told apart by its reason and its code, not by its text", () => {
    const error = new QuorumCallError({
      reason: "INCOMPLETE",
      message: "x",
      nodeErrors: new Map(),
      unanswered: [],
    });
    expect(error).toBeInstanceOf(QuorateError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      reason: "INCOMPLETE",
      code: Code.Unavailable,
      message: "quorate: x",
    });
    expect(error.name).toBe("QuorumCallError");
    expect("cause" in error).toBe(false);
    expect(String(error)).toBe("QuorumCallError [Unavailable, INCOMPLETE]: quorate: x");
  });

  it.each([
    { errors: [], code: Code.Unavailable, text: "quorate: call" },
    {
      errors: [[2, locked]] as const,
      code: Code.Aborted,
      text: "quorate: call (errors: 1)\nnode errors:\n\tnode 2: locked by node 7",
    },
    {
      errors: [
        [3, unavailable],
        [1, locked],
      ] as const,
      code: Code.Unavailable,
      text: "quorate: call (errors: 2)\nnode errors:\n\tnode 3: connection refused\n\tnode 1: locked by node 7",
    },
  ])(
    "[ER-02] [ER-05] has the number, the code and the texts of $errors.length node errors",
    ({ errors, code, text }) => {
      const error = new QuorumCallError({
        reason: "INCOMPLETE",
        message: "call",
        nodeErrors: new Map(errors),
        unanswered: [],
      });
      expect(error.nodeErrors.size).toBe(errors.length);
      expect(error.code).toBe(code);
      expect(error.message).toBe(text);
    },
  );

  it("[ER-03] [ER-04] hands out the errors of the nodes as they were, and what ended the call", () => {
    const node = new PeerNode(4, "127.0.0.1:9084", {
      defaultTimeoutMs: 1,
      maxMessageBytes: 1,
      maxQueuedReplies: 1,
      interceptors: [],
      events: new EventHub(undefined),
    });
    const cause = new QuorateError(Code.DeadlineExceeded, "too late");
    const error = new QuorumCallError({
      code: cause.code,
      cause,
      reason: "ENDED",
      message: "call",
      nodeErrors: new Map([[2, locked]]),
      unanswered: [node],
    });
    const inner = error.nodeErrors.get(2);
    expect(inner instanceof LockedError && inner.holder).toBe("node 7");
    expect(error.cause).toBe(cause);
    // The code is that of the end, whatever the nodes said.
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(error.unanswered).toEqual([node]);
  });
});
