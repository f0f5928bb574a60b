/** One entry of the log, and where it stands. */
export interface LogEntry {
  /** Its position: above 0, at most 2^53 - 1. Positions are strictly increasing, but not contiguous. */
  readonly op: number;
  /** As given to `append`. Not to be changed. */
  readonly entry: Uint8Array;
}

/** The state after the entry at `op`, which stands for all entries up to it. */
export interface LogSnapshot {
  readonly op: number;
  /** As given to `saveSnapshot`. Not to be changed. */
  readonly bytes: Uint8Array;
}

/** Ends a wait. */
export interface LogWaitOptions {
  /** Ends `tail` with a Canceled error, and the loop over `entries` without an error. */
  readonly signal?: AbortSignal;
}

/**
 * The log from which every server builds the same state: entries in one order, a genesis before them, a snapshot in
 * place of the oldest. All of it is opaque bytes, which must not be changed once they were given.
 *
 * This is one handle on the log; what is said about the order of calls holds for the calls on one handle. Failures are
 * QuorateErrors: Unavailable with the reason `LOG_UNAVAILABLE` where the log cannot be reached or written, `CLOSED` on a
 * closed handle.
 */
export interface CommitLog extends AsyncDisposable {
  /** Bytes that one entry, or the genesis, may have. */
  readonly maxEntryBytes: number;
  /** Whether servers in several processes share the log; default false. Then each must say who it is. */
  readonly shared?: boolean;

  /**
   * The bytes that stand before all entries: `proposal` if the log has none yet, else those stored earlier, whoever
   * proposed them. Atomic: all who ask, at once or after a crash, get the same ones. Needed once on each handle
   * before its first `append`.
   */
  genesis(proposal: Uint8Array): Promise<Uint8Array>;

  /**
   * Resolves with the position of the entry, once it is durable. The order of the calls is the order in the log, also
   * where they are not awaited.
   *
   * Rejects with an AppendError, whose `outcome` is "not-appended" (the entry is not in the log and will never be) or
   * "unknown" (it may be, or may turn up after a restart). After "unknown", nothing that was called later is appended
   * until the fate of that entry is known: a later call rejects with "not-appended", or waits. Takes no signal, as an
   * entry on its way cannot be called back.
   *
   * That it resolves and that `entries` yields the entry happen in either order.
   */
  append(entry: Uint8Array): Promise<number>;

  /**
   * The position of the last entry that was committed before the call, or a later one; 0 if there is none. Linearizable:
   * an entry whose `append` had resolved, or that any reader had been given, on any handle, is at or below the answer.
   */
  tail(options?: LogWaitOptions): Promise<number>;

  /**
   * All entries above `from`, in order, none left out, durable ones only; then the new ones as they come, until the
   * loop is left, the signal ends or the handle is closed. Readers are independent of each other, and a slow one holds
   * up nobody.
   *
   * @throws LogTruncated if entries above `from`, or above the last one yielded, were forgotten: load the snapshot, and
   * go on from there.
   * @throws QuorateError InvalidArgument if `from` is not 0 or a position.
   */
  entries(from: number, options?: LogWaitOptions): AsyncIterable<LogEntry>;

  /**
   * Stores the state after the entry at `op`, a position that `entries` has yielded, unless one of the same or a higher
   * position is stored: then it resolves with false and nothing changes. Entries up to a stored snapshot may be
   * forgotten.
   */
  saveSnapshot(op: number, bytes: Uint8Array): Promise<boolean>;

  /** The snapshot with the highest position, or undefined if there is none. */
  loadSnapshot(): Promise<LogSnapshot | undefined>;

  /**
   * Settles the appends that were called before, ends the readers, lets go of what the handle holds. Everything later is
   * refused with the reason `CLOSED`; a second close does nothing more.
   */
  close(): Promise<void>;
}
