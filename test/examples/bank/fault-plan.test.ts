import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planFaults } from "../../../examples/bank/demo/fault-plan.js";
import { countFaults } from "../../../examples/bank/demo/run-report.js";

const options = fc.record({
  seed: fc.integer(),
  clients: fc.integer({ min: 1, max: 6 }),
  kills: fc.integer({ min: 1, max: 12 }),
  cuts: fc.integer({ min: 3, max: 16 }),
});

describe("planFaults", () => {
  it("has so many kills and cuts, with at least one that loses requests and one that loses answers", () => {
    fc.assert(
      fc.property(options, (wanted) => {
        const counts = countFaults(planFaults(wanted));
        expect(counts.kill + counts.killUnanswered).toBe(wanted.kills);
        expect(counts.cut + counts.loseRequests + counts.loseAnswers).toBe(wanted.cuts);
        const { cut, loseRequests, loseAnswers, killUnanswered } = counts;
        expect(Math.min(cut, loseRequests, loseAnswers, killUnanswered)).toBeGreaterThanOrEqual(1);
        expect(counts.kill).toBeGreaterThanOrEqual(wanted.kills > 1 ? 1 : 0);
      }),
    );
  });

  it("is the same for the same seed, and another for another", () => {
    const plan = (seed: number) => planFaults({ seed, clients: 4, kills: 10, cuts: 14 });
    expect(plan(7)).toEqual(plan(7));
    const orders = [1, 2, 3, 4, 5].map((seed) => JSON.stringify(plan(seed)));
    expect(new Set(orders).size).toBe(orders.length);
  });

  it("comes to every client in turn, and to no other", () => {
    fc.assert(
      fc.property(options, (wanted) => {
        const hits = Array.from({ length: wanted.clients }, () => 0);
        for (const { fault } of planFaults(wanted)) {
          if (fault.kind === "kill") continue;
          expect(hits[fault.client]).toBeDefined();
          hits[fault.client] = (hits[fault.client] ?? 0) + 1;
        }
        expect(Math.max(...hits) - Math.min(...hits)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("mixes kills and cuts, cuts both ways and waits for some transfers between faults", () => {
    const plan = planFaults({ seed: 3, clients: 4, kills: 10, cuts: 40 });
    const kinds = plan.map(({ fault }) => fault.kind.startsWith("kill"));
    expect(kinds).not.toEqual([...kinds].sort((a, b) => Number(b) - Number(a)));
    const cuts = plan.flatMap(({ fault }) => (fault.kind === "cut" ? [fault] : []));
    expect(new Set(cuts.map(({ direction }) => direction))).toEqual(new Set(["requests", "answers"]));
    for (const { bytes } of cuts) expect(bytes).toBeGreaterThanOrEqual(1);
    for (const { afterTransfers } of plan) {
      expect(afterTransfers).toBeGreaterThanOrEqual(20);
      expect(afterTransfers).toBeLessThanOrEqual(100);
    }
  });

  it.each([
    { clients: 0, kills: 1, cuts: 3 },
    { clients: 1, kills: 0, cuts: 3 },
    { clients: 1, kills: 1, cuts: 2 },
  ])("refuses what can hold no fault of each kind: %o", (counts) => {
    expect(() => planFaults({ seed: 1, ...counts })).toThrow(/at least/);
  });
});
