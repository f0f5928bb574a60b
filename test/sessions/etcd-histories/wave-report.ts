import type { EtcdHistory } from "./etcd-history.js";
import { faultKinds } from "./fault-plan.js";
import type { SettledServer } from "./host-commands.js";
import type { HappenedFault } from "./make-faults.js";

/** How often what happened. */
export interface Counts {
  readonly [what: string]: number;
}

/** Calls that had no answer when faults of a kind began: the name of their count. */
export function underWayAt(kind: string): string {
  return `calls under way: ${kind}`;
}

/** What happened in a wave. */
export function countsOf(
  histories: readonly EtcdHistory[],
  servers: readonly SettledServer[],
  faults: readonly HappenedFault[],
): Counts {
  const calls = histories.flatMap(({ recorded }) => recorded);
  const faultCounts = faultKinds.flatMap((kind) => {
    const happened = faults.filter((fault) => fault.kind === kind);
    return [
      [kind, happened.length],
      [underWayAt(kind), sum(happened, ({ underWay }) => underWay)],
      [`calls made while it lasted: ${kind}`, sum(happened, ({ callsMade }) => callsMade)],
    ] as const;
  });
  return {
    calls: calls.length,
    "calls with an answer": calls.filter(({ outcome }) => outcome.kind === "answered").length,
    "calls with an unknown outcome": calls.filter(({ outcome }) => outcome.kind === "unknown").length,
    "clients that ended in order": sum(histories, ({ closed }) => closed),
    "clients that crashed": sum(histories, ({ crashed }) => crashed),
    "sessions that went to another server": sum(histories, ({ failovers }) => failovers),
    "requests sent again, applied already": sum(servers, ({ replayed }) => replayed),
    ...Object.fromEntries(faultCounts),
  };
}

/** The sum over all items. */
export function sum<Item>(items: readonly Item[], count: (item: Item) => number): number {
  return items.reduce((total, item) => total + count(item), 0);
}
