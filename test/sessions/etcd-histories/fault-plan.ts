import type { Random } from "../../helpers/seeded-random.js";
import { drawInteger, drawOrder } from "./draw.js";

/** What can happen to a wave of histories. Each does in each wave. */
export const faultKinds = [
  "server host killed",
  "server host stopped",
  "etcd leader killed",
  "etcd follower stopped",
] as const;

/** One of {@link faultKinds}. */
export type FaultKind = (typeof faultKinds)[number];

/** One fault of a wave. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** Which of the hosts, or of the followers; there is one leader. */
  readonly which: number;
  /** Calls that are made between the fault before and this one. */
  readonly afterCalls: number;
  /** Milliseconds from when the clients are woken to its beginning. */
  readonly aheadMs: number;
  /** Milliseconds from its beginning until what was killed is started again, or what was stopped goes on. */
  readonly lastsMs: number;
  /** Whether it may happen while others last. */
  readonly overlaps: boolean;
}

/** For what faults are drawn. */
export interface FaultPlanInit {
  /** As many as members of etcd. */
  readonly hosts: number;
  readonly histories: number;
}

/**
 * Draws the faults of a wave: each host killed once and one stopped, the leader killed once or twice, and a follower stopped.
 * The server that watches it does not hear of what the others do, which is the most that one can lag behind. So it comes
 * first, while each server watches a member of its own, and a host is killed meanwhile: what its clients send again comes
 * to a server that may not know it yet.
 */
export function planFaults(random: Random, { hosts, histories }: FaultPlanInit): PlannedFault[] {
  const draw = (kind: FaultKind, which: number): PlannedFault => ({
    kind,
    which,
    afterCalls: drawInteger(random, 2 * histories, 4 * histories),
    aheadMs: drawInteger(random, 0, 40),
    lastsMs: kind.endsWith("stopped") ? drawInteger(random, 1_000, 2_000) : drawInteger(random, 0, 400),
    overlaps: random() < 0.75,
  });
  const [firstKilled = 0, ...killed] = drawOrder(random, [...Array(hosts).keys()]);
  const leaderKills = Array.from({ length: drawInteger(random, 1, 2) }, () => draw("etcd leader killed", 0));
  return [
    draw("etcd follower stopped", drawInteger(random, 0, hosts - 2)),
    { ...draw("server host killed", firstKilled), afterCalls: histories, overlaps: true },
    ...drawOrder(random, [
      ...killed.map((which) => draw("server host killed", which)),
      draw("server host stopped", drawInteger(random, 0, hosts - 1)),
      ...leaderKills,
    ]),
  ];
}
