import { contextSession } from "quorate/context";
import { besideSession } from "./beside-session.js";
import { type CostRow, compareCosts, type RoundSettings, type Subject } from "./compare-costs.js";
import { nodesOfAnyLatency } from "./nodes-of-any-latency.js";
import { operationCost, repeated } from "./operation-cost.js";

/** Beginning and ending sessions, and forks of one that knows so many peers. */
export function sessionCosts(settings: RoundSettings, signal: AbortSignal): Promise<CostRow[]> {
  const alone: Subject = {
    name: "begin, alone",
    to: begin.name,
    measure: (timeMs, ended) => operationCost(timeMs, ended, beginAndEnd),
  };
  return compareCosts([begin, alone, ...[0, 100, 1_024].map(forkSubject)], settings, signal);
}

const begin: Subject = {
  name: "begin",
  measure: (timeMs, signal) => besideSession(() => operationCost(timeMs, signal, beginAndEnd)),
};

function forkSubject(peers: number): Subject {
  const nodes = nodesOfAnyLatency(peers);
  return {
    name: `fork, ${peers}`,
    to: begin.name,
    measure: (timeMs, signal) =>
      contextSession.begin((session) => {
        for (const node of nodes) session.addPeer(node);
        return operationCost(timeMs, signal, (times) => repeated(times, () => contextSession.fork(nothing)));
      }),
  };
}

function beginAndEnd(times: number): void {
  repeated(times, () => contextSession.begin(nothing));
}

function nothing(): void {}
