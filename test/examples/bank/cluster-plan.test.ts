import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bankServers,
  type ClusterFault,
  planClusterFaults,
} from "../../../examples/bank/cluster/cluster-plan.js";

const options = fc.record({
  seed: fc.integer(),
  kills: fc.integer({ min: 1, max: 9 }),
  leaderKills: fc.integer({ min: 0, max: 4 }),
  pauses: fc.integer({ min: 0, max: 4 }),
});
const usual = { kills: 3, leaderKills: 2, pauses: 1 };

const faultsOf = (wanted: Parameters<typeof planClusterFaults>[0]) =>
  planClusterFaults(wanted).map(({ fault }) => fault);
const isKill = ({ kind }: ClusterFault) => kind === "kill" || kind === "killUnanswered";
const serverOf = (fault: ClusterFault) => (fault.kind === "killLeader" ? [] : [fault.server]);

describe("planClusterFaults", () => {
  it("has so many faults of each kind, one of the kills with an answer on its way", () => {
    fc.assert(
      fc.property(options, (wanted) => {
        const faults = faultsOf(wanted);
        expect(faults.filter(isKill)).toHaveLength(wanted.kills);
        expect(faults.filter(({ kind }) => kind === "killLeader")).toHaveLength(wanted.leaderKills);
        expect(faults.filter(({ kind }) => kind === "pause")).toHaveLength(wanted.pauses);
        expect(faults.some(({ kind }) => kind === "killUnanswered")).toBe(true);
      }),
    );
  });

  it("kills each server once before it kills one again", () => {
    fc.assert(
      fc.property(options, (wanted) => {
        const killed = faultsOf(wanted).filter(isKill).flatMap(serverOf);
        for (let at = 0; at < killed.length; at += bankServers) {
          const round = killed.slice(at, at + bankServers);
          expect(new Set(round).size).toBe(round.length);
          for (const server of round) expect([0, 1, 2]).toContain(server);
        }
      }),
    );
  });

  it("hits no server twice in a row", () => {
    fc.assert(
      fc.property(options, (wanted) => {
        const hit = faultsOf(wanted).flatMap(serverOf);
        expect(hit.filter((server, at) => server === hit[at - 1])).toEqual([]);
      }),
    );
  });

  it("is the same for the same seed, and another for another", () => {
    expect(planClusterFaults({ seed: 7, ...usual })).toEqual(planClusterFaults({ seed: 7, ...usual }));
    const plans = [1, 2, 3, 4, 5].map((seed) => JSON.stringify(faultsOf({ seed, ...usual })));
    expect(new Set(plans).size).toBe(plans.length);
  });

  it("comes to every server and both kinds of kills, and waits for transfers between faults", () => {
    const plans = Array.from({ length: 30 }, (_, seed) => planClusterFaults({ seed, ...usual })).flat();
    const kinds = new Set(plans.map(({ fault }) => fault.kind));
    expect(kinds).toEqual(new Set(["kill", "killUnanswered", "pause", "killLeader"]));
    const paused = plans.flatMap(({ fault }) => (fault.kind === "pause" ? [fault.server] : []));
    expect(new Set(paused)).toEqual(new Set([0, 1, 2]));
    for (const { afterTransfers } of plans) expect(afterTransfers).toBeGreaterThanOrEqual(500);
  });

  it("refuses a plan in which nothing forces a request to come twice", () => {
    expect(() => planClusterFaults({ ...usual, seed: 1, kills: 0 })).toThrow(/a kill at least: not 0/);
  });
});
