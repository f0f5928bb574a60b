import { assert, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { evaluateThreshold, majorityOf, type Tally } from "../../src/calls/threshold.js";
import { PeerNode } from "../../src/configuration/peer-node.js";
import { EventHub } from "../../src/configuration/quorate-event.js";

const settings = {
  defaultTimeoutMs: 1,
  maxMessageBytes: 1,
  maxQueuedReplies: 1,
  interceptors: [],
  events: new EventHub(undefined),
};

function tally(
  size: number,
  replied: number,
  failed: number,
  more: Partial<Tally<string>> = {},
): Tally<string> {
  const nodes = Array.from(
    { length: size },
    (_, at) => new PeerNode(at + 1, `127.0.0.1:${at + 1}`, settings),
  );
  const failures = nodes.slice(replied, replied + failed);
  return {
    method: "a.B.C",
    size,
    replies: nodes.slice(0, replied).map((node) => `reply ${node.id}`),
    nodeErrors: new Map(failures.map(({ id }) => [id, new QuorateError(Code.NotFound, `no ${id}`)])),
    unanswered: new Set(nodes.slice(replied + failed)),
    ended: undefined,
    stopped: false,
    ...more,
  };
}

describe("majorityOf", () => {
  it("is the least number of which any two sets have a node in common", () => {
    assert(
      property(integer({ min: 1, max: 1_000 }), (size) => {
        const majority = majorityOf(size);
        expect(2 * majority).toBeGreaterThan(size);
        expect(2 * (majority - 1)).toBeLessThanOrEqual(size);
      }),
    );
  });
});

describe("evaluateThreshold", () => {
  it("is open as long as enough may come, and not a moment longer", () => {
    assert(
      property(
        integer({ min: 1, max: 9 }),
        integer({ min: 0, max: 9 }),
        integer({ min: 0, max: 9 }),
        integer({ min: 1, max: 10 }),
        (size, some, others, count) => {
          const replied = Math.min(some, size);
          const failed = Math.min(others, size - replied);
          const { kind } = evaluateThreshold(count, tally(size, replied, failed));
          expect(kind).toBe(replied >= count ? "reached" : size - failed < count ? "failed" : "open");
        },
      ),
    );
  });

  it("hands over exactly as many replies as were asked for, by arrival", () => {
    expect(evaluateThreshold(2, tally(3, 3, 0))).toEqual({
      kind: "reached",
      replies: ["reply 1", "reply 2"],
    });
  });

  const ended = new QuorateError(Code.DeadlineExceeded, "too late");
  it.each([
    ["reached", "a threshold that is reached, also when the call has ended", 1, { ended }, undefined],
    ["failed", "the end of the call", 2, { ended }, "ENDED"],
    ["failed", "the stop of the waiting", 2, { stopped: true }, "STOPPED"],
    ["failed", "the end before the stop", 2, { ended, stopped: true }, "ENDED"],
  ])("is %s by %s", (kind, _, count, more, reason) => {
    const outcome = evaluateThreshold(count, tally(3, 1, 1, more));
    expect(outcome.kind).toBe(kind);
    expect(outcome.kind === "failed" ? outcome.error.reason : undefined).toBe(reason);
  });
});
