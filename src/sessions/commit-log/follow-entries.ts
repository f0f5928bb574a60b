import { invalidArgument } from "../../../internal/errors/quorate-error.js";
import { onAbort } from "../../../internal/util/on-abort.js";
import type { LogEntry } from "./commit-log.js";

/**
 * The loop that `CommitLog.entries` answers with. `read` yields the entries above `from`, and returns soon after the
 * signal that it is given has ended: because the caller's has, or because the loop was left.
 *
 * @throws QuorateError InvalidArgument if `from` is not 0 or a position.
 */
export function followEntries(
  from: number,
  signal: AbortSignal | undefined,
  read: (from: number, signal: AbortSignal) => AsyncGenerator<LogEntry, undefined, undefined>,
): AsyncIterable<LogEntry> {
  if (!Number.isSafeInteger(from) || from < 0) {
    throw invalidArgument(`entries are read from a position of the log, or 0: from is ${from}`);
  }
  return {
    [Symbol.asyncIterator]: () => {
      const left = new AbortController();
      if (signal?.aborted) left.abort();
      const stop = signal && onAbort(signal, () => left.abort());
      const entries = read(from, left.signal);
      const over = (error: unknown): never => {
        stop?.();
        throw error;
      };
      const given = (next: IteratorResult<LogEntry, undefined>) => {
        if (next.done === true) stop?.();
        return next;
      };
      return {
        // Not a generator around the other: that would cost each entry as much again.
        next: () => entries.next().then(given, over),
        return: () => {
          // A generator that waits would first wait to the end.
          left.abort();
          stop?.();
          return entries.return(undefined);
        },
      };
    },
  };
}
