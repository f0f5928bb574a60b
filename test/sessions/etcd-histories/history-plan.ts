import { seededRandom } from "../../helpers/seeded-random.js";
import type { RegisterInput } from "../linearizability/register-model.js";
import { drawInteger, drawOne } from "./draw.js";

/** What is drawn for one history before it begins; its clients draw their calls as they go. */
export interface HistoryPlan {
  readonly seed: number;
  /** What the keys of its log begin with in etcd. */
  readonly prefix: string;
  readonly clients: number;
  /** Where there is one key, everything is in the way of everything. */
  readonly keys: readonly [string, ...string[]];
  /** Each is as likely as it is often in here. */
  readonly calls: readonly [RegisterInput["kind"], ...RegisterInput["kind"][]];
  readonly settings: ServerSettings;
}

/** How the servers of one history are set. */
export interface ServerSettings {
  readonly snapshotEvery: number;
  readonly checkEvery: number;
  readonly maxWaitMs: number;
}

/** Draws a history. The same seed is the same plan. */
export function planHistory(seed: number): HistoryPlan {
  const random = seededRandom(seed);
  return {
    seed,
    prefix: `history-${seed}/`,
    clients: drawInteger(random, 2, 4),
    keys: drawOne(random, allKeys),
    calls: drawOne(random, allCalls),
    settings: {
      snapshotEvery: drawOne(random, [20, 60, 1_000]),
      checkEvery: drawOne(random, [16, 64]),
      maxWaitMs: drawOne(random, [2_000, 5_000, 30_000]),
    },
  };
}

const allKeys: readonly [HistoryPlan["keys"], ...HistoryPlan["keys"][]] = [
  ["x", "y", "z"],
  ["x", "z"],
  ["x"],
];

const allCalls: readonly [HistoryPlan["calls"], ...HistoryPlan["calls"][]] = [
  ["read", "read", "append", "append", "write", "compareAndSet"],
  ["read", "read", "read", "append"],
  ["read", "append", "append", "append", "compareAndSet"],
];
