import type { CommitLog, LogEntry } from "../commit-log/commit-log.js";

/** How a reading goes on after an entry: at once, after everybody else in this process had a turn, or not at all. */
export type AfterEntry = "next" | "pause" | "end";

/**
 * Gives the entries above `from` to `take`, one after the other, until it or the signal ends that; resolves without a
 * word if the log was closed. However many there are, they leave turns to others. Errors are those of the log and of
 * `take`.
 */
export async function readEntries(
  log: CommitLog,
  from: number,
  signal: AbortSignal | undefined,
  take: (entry: LogEntry) => AfterEntry,
): Promise<void> {
  let taken = 0;
  for await (const entry of log.entries(from, signal === undefined ? {} : { signal })) {
    if (signal?.aborted) return;
    const after = take(entry);
    if (after === "end" || signal?.aborted) return;
    taken += 1;
    // Entries that are in memory come in one turn, and a long log would be one long turn.
    if (after === "pause" || taken % entriesPerTurn === 0)
      await new Promise((resolve) => setImmediate(resolve));
  }
}

const entriesPerTurn = 64;
