import type { ServerSettings } from "./history-plan.js";

/** How a host opens its server of one history. */
export interface RegisterServerInit extends ServerSettings {
  /** Of etcd. */
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly serverId: string;
  readonly address: string;
}

/** A server that has applied all that was in the log when it was asked. */
export interface SettledServer {
  readonly op: number;
  /** The snapshot of its register. */
  readonly register: string;
  readonly sessions: number;
  /** Requests that came once more after they were applied, since its process was started. */
  readonly replayed: number;
}

/** What a host can be told. */
export type HostCommands = {
  /** Opens its servers of histories. */
  readonly open: (inits: readonly RegisterServerInit[]) => Promise<void>;
  /** Waits until the server of a history has applied all that is in the log now. */
  readonly settle: (prefix: string) => Promise<SettledServer>;
  /** Closes all servers. */
  readonly closeAll: () => Promise<void>;
};

/** What a host says unasked: something that should not have been, in words. */
export interface HostProblem {
  readonly problem: string;
}
