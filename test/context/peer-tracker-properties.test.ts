import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Step, TrackerHistory } from "./tracker-history.js";

const nodeCount = 6;
const id = fc.integer({ min: 1, max: nodeCount });
// Times of every size, those that are no time among them.
const ms = fc.oneof(
  fc.constant(0),
  fc.double({ min: 0, max: 1e7, noNaN: true }),
  fc.integer({ min: 0, max: 50 }),
);
const afterMs = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.double({ min: 0, max: 1e9, noNaN: true }));

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("added" as const), id }),
    fc.record({ kind: fc.constantFrom("succeeded" as const, "failed" as const), id, afterMs }),
    fc.record({
      kind: fc.constantFrom("succeeded" as const, "failed" as const, "unanswered" as const),
      id,
      tookMs: ms,
      afterMs,
    }),
  ),
  { maxLength: 60 },
);

const histories = fc
  .record({
    steps,
    maxPeers: fc.integer({ min: 1, max: nodeCount + 1 }),
    halfLifeMs: fc.oneof(
      fc.constantFrom(1, 2 ** 31 - 1, Number.POSITIVE_INFINITY),
      fc.integer({ min: 1, max: 60_000 }),
    ),
    latenciesMs: fc.dictionary(id.map(String), ms, { maxKeys: nodeCount }),
  })
  .map(({ steps: all, latenciesMs, ...init }) =>
    new TrackerHistory(nodeCount, init, latenciesMs).run(...all),
  );

const triple = fc.tuple(id, id, id);

describe("the order of a tracker, after any history,", () => {
  it("is a total preorder: never without an answer, the same from both sides, and transitive", () => {
    fc.assert(
      fc.property(histories, fc.array(triple, { minLength: 1, maxLength: 20 }), (history, triples) => {
        const compare = (a: number, b: number) => history.tracker.compare(history.node(a), history.node(b));
        for (const [a, b, c] of triples) {
          expect([-1, 0, 1]).toContain(compare(a, b));
          expect(compare(a, a)).toBe(0);
          // The sum, because -0 is not 0.
          expect(compare(a, b) + compare(b, a)).toBe(0);
          const isIntransitive = compare(a, b) <= 0 && compare(b, c) <= 0 && compare(a, c) > 0;
          const isUnlike = compare(a, b) === 0 && compare(a, c) !== compare(b, c);
          expect({ isIntransitive, isUnlike }).toEqual({ isIntransitive: false, isUnlike: false });
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is that of its standings, which are as many as there may be and of which none is below zero", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const standings = history.tracker.standings();
        for (const [at, { node, latencyMs }] of standings.entries()) {
          const next = standings[at + 1] ?? { node };
          expect(history.tracker.compare(node, next.node)).toBeLessThanOrEqual(0);
          expect(latencyMs ?? 0).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it("is the same for a fork, whatever both learn afterwards in the same way", () => {
    fc.assert(
      fc.property(histories, steps, (history, more) => {
        const { tracker } = history;
        const child = tracker.fork();
        expect(history.order(child)).toEqual(history.order());
        for (const step of more) {
          history.run(step);
          if (step.kind === "added") child.add(history.node(step.id));
          else if (step.kind === "unanswered")
            child.unanswered(history.node(step.id), history.nowMs, step.tookMs);
          else child[step.kind](history.node(step.id), history.nowMs, step.tookMs);
        }
        expect(history.order(child)).toEqual(history.order(tracker));
        expect(child.standings()).toEqual(tracker.standings());
      }),
    );
  });

  it("is not changed by what a fork learns", () => {
    fc.assert(
      fc.property(histories, steps, (history, more) => {
        const { tracker } = history;
        const before = { order: history.order(), standings: tracker.standings() };
        history.tracker = tracker.fork();
        history.run(...more);
        expect({ order: history.order(tracker), standings: tracker.standings() }).toEqual(before);
      }),
    );
  });
});
