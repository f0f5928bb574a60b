import type { CommitLog } from "quorate/sessions";

/** The log, with its group commit taken away: it is given an append only when the one before is settled. */
export function syncEachAppend(log: CommitLog): CommitLog {
  let last: Promise<unknown> = Promise.resolve();
  return {
    maxEntryBytes: log.maxEntryBytes,
    genesis: (proposal) => log.genesis(proposal),
    append: (entry) => {
      const appended = last.then(() => log.append(entry));
      last = appended.catch(() => {});
      return appended;
    },
    tail: (options) => log.tail(options),
    entries: (from, options) => log.entries(from, options),
    saveSnapshot: (op, bytes) => log.saveSnapshot(op, bytes),
    loadSnapshot: () => log.loadSnapshot(),
    close: () => last.then(() => log.close()),
    [Symbol.asyncDispose]: () => last.then(() => log.close()),
  };
}
