import type { Transaction } from "./etcd-client.js";
import { fixedWidth, revisionAt } from "./etcd-keys.js";
import { listBatchesBefore } from "./list-batches.js";
import type { LogParts } from "./log-parts.js";
import { checkGenesis, get, isBelow, isThisLog, put, readAt, remove } from "./transactions.js";
import { untilAnswered } from "./until-answered.js";

/** Deletions of one transaction; etcd takes 128 operations. */
const deletionsAtOnce = 100;

/**
 * Forgets the entries up to `op`, which is at or below the position of the stored snapshot: raises the floor, then deletes
 * the batches. A batch that has entries on both sides stays. What an interrupted run has left, the next one deletes.
 *
 * @throws what `untilAnswered` throws; DataLoss, `LOG_REGRESSED`.
 */
export async function forgetBatches(parts: LogParts, op: number, signal: AbortSignal): Promise<void> {
  const { client, keys, settings } = parts;
  const ask = (transaction: Transaction) =>
    untilAnswered(client, transaction, {
      timeoutMs: settings.requestTimeoutMs,
      signal,
      what: "entries cannot be forgotten",
    });
  // First, so that whoever misses a batch finds out why; and never back, whoever was slow.
  const raised = await ask({
    compare: [isBelow(keys.floor, op), ...isThisLog(parts)],
    success: [put(keys.floor, fixedWidth(op))],
    failure: [get(keys.genesis)],
  });
  if (!raised.succeeded) checkGenesis(parts, readAt(raised, 0)[0]);
  // The batch that `op` itself is in may have entries above it.
  const batches = await listBatchesBefore(parts, revisionAt(op), signal);
  for (let at = 0; at < batches.length; at += deletionsAtOnce) {
    await ask({
      compare: isThisLog(parts),
      success: batches.slice(at, at + deletionsAtOnce).map(({ key }) => remove(key)),
    });
  }
}
