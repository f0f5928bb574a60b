import { byLatency } from "quorate";
import { byUsefulness, contextSession } from "quorate/context";
import { OpenContextSession } from "../../src/context/open-context-session.js";
import { type CostRow, compareCosts, type RoundSettings, type Subject } from "./compare-costs.js";
import { nodesOfAnyLatency } from "./nodes-of-any-latency.js";
import { operationCost, repeated } from "./operation-cost.js";

/** Sorting configurations of several sizes by latency, and by what a session has learned of each of their nodes. */
export function sortCosts(settings: RoundSettings, signal: AbortSignal): Promise<CostRow[]> {
  return compareCosts([3, 31, 1_000].flatMap(sortSubjects), settings, signal);
}

function sortSubjects(size: number): Subject[] {
  const configuration = nodesOfAnyLatency(size);
  const byLatencyName = `byLatency, ${size}`;
  return [
    {
      name: byLatencyName,
      measure: (timeMs, signal) =>
        operationCost(timeMs, signal, (times) => repeated(times, () => configuration.sortBy(byLatency))),
    },
    {
      name: `byUsefulness, ${size}`,
      to: byLatencyName,
      measure: (timeMs, signal) =>
        contextSession.begin(() => {
          const tracker = OpenContextSession.current()?.tracker;
          for (const node of configuration) tracker?.succeeded(node, performance.now(), node.latencyMs);
          return operationCost(timeMs, signal, (times) =>
            repeated(times, () => configuration.sortBy(byUsefulness())),
          );
        }),
    },
  ];
}
