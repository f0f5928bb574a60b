import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { CommitLog } from "../commit-log/commit-log.js";
import type { AppendOutcome } from "../commit-log/log-errors.js";
import type { SessionLimitOptions } from "../session-limits.js";
import type { ClientTable } from "../table/client-table.js";
import type { Effect } from "../table/effect.js";
import type { StateMachines } from "./state-machines.js";

/** What a session log is opened with. */
export interface SessionLogInit {
  /** Owned by the session log from when it is open; if it does not open, whoever made it closes it. */
  readonly log: CommitLog;
  /** The limits that a new log gets, and that an old one must have. */
  readonly limits: SessionLimitOptions | undefined;
  /** Bytes of one message on a stream. */
  readonly maxMessageBytes: number;
  readonly machines: StateMachines;
  /** Who this server is, the same after a restart. */
  readonly serverId: string;
  /** Entries from one snapshot to the next; 0 for none. */
  readonly snapshotEvery: number;
  /** Entries from one Check to the next; 0 for none. */
  readonly checkEvery: number;
  /** The wall clock, for the timestamps of entries. */
  readonly nowMs: () => number;
  readonly observer: SessionLogObserver;
  /** How long a barrier, and each step of opening but the replay, may take; 30,000 by default. */
  readonly maxWaitMs?: number | undefined;
  /** Ends the opening; it means nothing afterwards. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Who is told what becomes of the state. Told of nothing before the log is open: replay starts no handler. Each method
 * is called in the turn in which the state changes, between two entries, and must not throw.
 */
export interface SessionLogObserver {
  /** An entry was applied, own or not; the listener of its proposal was told before. */
  applied(effect: Effect): void;
  /** The state was replaced by a snapshot. What was pending failed before. */
  replaced(): void;
  /** Called once: the state is of no use any more, and nothing more is applied. What was pending failed before. */
  stopped(error: QuorateError): void;
  /** The log cannot be read; it is tried again after `retryMs`. */
  readFailed?(error: QuorateError, retryMs: number): void;
  /** Entries could not be appended; told once for those that failed together. */
  appendFailed?(error: QuorateError): void;
  /** The state as of `op` is stored. */
  snapshotSaved?(op: number, bytes: number): void;
  /** The state could not be stored; the next snapshot will be tried when it is due. */
  snapshotFailed?(error: QuorateError): void;
}

/**
 * Who is told what becomes of a proposal: exactly one of the two, once, never within the call of `propose`. Must not
 * throw.
 */
export interface ProposalListener {
  /** It was applied: called in the order of the log, before the next entry is applied. */
  applied(effect: Effect, table: ClientTable): void;
  /**
   * It failed. "not-appended": it never takes effect. "unknown": it may have, or may take effect later, of which only the
   * observer is told then; also if the state was replaced (Unavailable, `RETRY`), the log was closed (the same) or
   * stopped (Unavailable, `SESSIONS_STOPPED`) before the entry was seen.
   */
  failed(error: QuorateError, outcome: AppendOutcome): void;
}
