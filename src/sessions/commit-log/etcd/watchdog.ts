import { Code } from "../../../../internal/errors/code.js";
import { QuorateError } from "../../../../internal/errors/quorate-error.js";
import { type CancelDeadline, deadlineAfter, scheduleDeadline } from "../../../../internal/util/deadlines.js";
import { logRegressed } from "../log-errors.js";
import { positionOf } from "./etcd-keys.js";
import type { LogParts } from "./log-parts.js";
import { readTail } from "./read-tail.js";

/** How far a watch is. */
export interface WatchPlace {
  /** The first revision that did not come yet. */
  next: bigint;
  /** The revision of the last batch that was read; 0 for none. */
  lastRead: bigint;
  /** Whether something from etcd is waited for, and not the reader. */
  isWaiting: boolean;
  /** Why the watch was given up, if the log itself is not what it was. */
  failure: QuorateError | undefined;
}

/**
 * Holds a watch against the end of the log, every `watchCheckMs`: a member that is cut off, or stopped, sends nothing
 * and says nothing. `giveUp` is called if the watch did not move between two looks although there was more, or if the
 * log ends before what was read of it. Returns what stops the looking.
 */
export function watchdog(parts: LogParts, place: WatchPlace, giveUp: () => void): () => void {
  const ended = new AbortController();
  const { watchCheckMs: timeoutMs } = parts.settings;
  let cancel: CancelDeadline = () => {};
  let stuckAt: bigint | undefined;
  const look = async () => {
    const { next: before, lastRead } = place;
    try {
      const tail = await readTail(parts, { timeoutMs, signal: ended.signal });
      if (ended.signal.aborted) return;
      if (tail < positionOf(lastRead, 0)) {
        place.failure = logRegressed(`it ends at op ${tail}, and more was read of it`);
        return giveUp();
      }
      const isBehind = place.isWaiting && place.next === before && tail >= positionOf(before, 0);
      if (isBehind && stuckAt === before) return giveUp();
      stuckAt = isBehind ? before : undefined;
    } catch (error) {
      const failure = QuorateError.from(error);
      if (ended.signal.aborted) return;
      if (failure.code === Code.DataLoss) {
        place.failure = failure;
        return giveUp();
      }
      // The end cannot be asked for: then nobody knows of anything that the watch has missed.
    }
    again();
  };
  const again = () => {
    cancel = scheduleDeadline(deadlineAfter(timeoutMs), () => void look());
  };
  again();
  return () => {
    cancel();
    ended.abort();
  };
}
