import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { Backoff } from "../../../internal/stream/backoff.js";
import { pause } from "../../../internal/util/pause.js";
import { untilAborted } from "../../../internal/util/within-time.js";
import type { CommitLog, LogEntry, LogSnapshot } from "../commit-log/commit-log.js";
import { LogTruncated, logClosed } from "../commit-log/log-errors.js";
import { type AfterEntry, readEntries } from "./read-entries.js";

/** Who follows a log. None of its methods throws. */
export interface LogFollower {
  /** The op above which it is read; asked at each beginning. */
  position(): number;
  take(entry: LogEntry): AfterEntry;
  /** Entries above the position are forgotten; this is the snapshot in their place. */
  truncated(snapshot: LogSnapshot | undefined): void;
  /** The log cannot be read, and is tried again after `retryMs`. */
  failed(error: QuorateError, retryMs: number): void;
}

/**
 * Follows the log until the signal ends, through whatever passes: it is read again after 100 ms, and more each time, to
 * 3 s. Rejects with what does not pass: DataLoss, and that somebody has closed the handle.
 */
export async function followLog(log: CommitLog, signal: AbortSignal, follower: LogFollower): Promise<void> {
  const backoff = new Backoff();
  while (!signal.aborted) {
    const before = follower.position();
    const failure = await readOnce(log, signal, follower);
    if (follower.position() > before) backoff.reset();
    if (failure === undefined || signal.aborted) continue;
    if (failure.code === Code.DataLoss || failure.reason === "CLOSED") throw failure;
    const retryMs = backoff.next();
    follower.failed(failure, retryMs);
    await pause(retryMs, signal);
  }
}

async function readOnce(
  log: CommitLog,
  signal: AbortSignal,
  follower: LogFollower,
): Promise<QuorateError | undefined> {
  try {
    await readEntries(log, follower.position(), signal, (entry) => follower.take(entry));
    return logClosed();
  } catch (error) {
    if (!(error instanceof LogTruncated)) return QuorateError.from(error, Code.Unavailable);
  }
  try {
    const snapshot = await untilAborted(log.loadSnapshot(), signal);
    if (!signal.aborted) follower.truncated(snapshot);
    return undefined;
  } catch (error) {
    return QuorateError.from(error, Code.Unavailable);
  }
}
