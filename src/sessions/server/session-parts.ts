import type { ServerInterceptor } from "../../server/server-interceptor.js";
import type { GuardedRuns } from "./guarded-runs.js";
import type { SessionLog } from "./session-log.js";
import type { SessionManager } from "./session-manager.js";
import type { SessionsEvent } from "./sessions-event.js";

/** What the parts of a server's sessions share. */
export interface SessionParts {
  readonly log: SessionLog;
  readonly manager: SessionManager;
  readonly runs: GuardedRuns;
  /** What stands around the handlers of the server. */
  readonly interceptors: readonly ServerInterceptor[];
  /** Whether the texts of errors that are no QuorateError are kept from callers. */
  readonly maskErrors: boolean;
  /** Who this server is, for the intents that it proposes. */
  readonly serverId: string;
  /** How long a request may wait, in milliseconds. */
  readonly maxWaitMs: number;
  readonly counters: SessionCounters;
  readonly emit: (event: SessionsEvent) => void;
}

/** What became of requests and calls since the server started. */
export interface SessionCounters {
  /** Requests with a number whose entry was proposed. */
  accepted: number;
  /** Requests with a number that were in flight already: one execution, two answers. */
  joined: number;
  /** Requests with a number that were applied before, and were answered with the kept reply. */
  replayed: number;
  /** Requests, reads and calls that were refused. */
  refused: number;
  /** Reads that were run. */
  reads: number;
  /** Calls without a session that were run. */
  calls: number;
}
