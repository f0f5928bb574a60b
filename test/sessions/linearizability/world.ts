import type { SessionLimitOptions } from "../../../src/sessions/session-limits.js";
import type { FaultNetwork } from "./fault-network.js";
import type { Faults } from "./faults.js";
import type { History } from "./history.js";
import type { LogStore } from "./log-store.js";
import type { RegisterInput } from "./register-model.js";

/** What all of one run share. */
export interface World {
  readonly faults: Faults;
  readonly network: FaultNetwork;
  readonly store: LogStore;
  readonly history: History;
  /** The addresses of the servers. */
  readonly nodes: readonly string[];
  readonly limits: SessionLimitOptions;
  /** Whether the limits are so tight that sessions may be evicted, or expire. */
  readonly sessionsEnd: boolean;
  readonly settings: {
    readonly snapshotEvery: number;
    readonly checkEvery: number;
    readonly maxWaitMs: number;
  };
  readonly workload: Workload;
  /** What should not have been, in words. */
  readonly problems: string[];
  readonly totals: Totals;
  /** Ends the run at once: after this it would get nowhere. */
  readonly fail: (why: string) => void;
}

/** What the clients ask for. */
export interface Workload {
  readonly keys: readonly [string, ...string[]];
  /** Each is as likely as it is often in here. */
  readonly calls: readonly [RegisterInput["kind"], ...RegisterInput["kind"][]];
}

/** What happened beside the faults. */
export interface Totals {
  /** Duplicates of requests that were in flight, and of ones that were applied already. */
  joined: number;
  replayed: number;
  /** Sessions that ended before their client was done. */
  ended: number;
  /** Sessions that were restored. */
  restored: number;
  /** Requests that had their reply from a restored session. */
  recovered: number;
}
