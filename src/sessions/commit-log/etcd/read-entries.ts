import type { LogEntry } from "../commit-log.js";
import { LogTruncated, logRegressed } from "../log-errors.js";
import { decodeBatch } from "./entry-batch.js";
import { positionOf, textOf } from "./etcd-keys.js";
import type { KeyValue } from "./gen/etcd/rpc_pb.js";
import { type BatchKey, firstOpOf, listBatches } from "./list-batches.js";
import type { LogParts } from "./log-parts.js";
import type { StoredBatch } from "./own-batches.js";
import { get, readAt } from "./transactions.js";
import { untilAnswered } from "./until-answered.js";
import { watchBatches } from "./watch-batches.js";

/**
 * The entries above a position: those that a listing finds, then those that come. When etcd has compacted what comes next, it
 * begins again with a listing, since the keys of batches outlive etcd's own compaction.
 *
 * @throws LogTruncated; QuorateError Unavailable, `LOG_UNAVAILABLE`; DataLoss, `LOG_REGRESSED`, `LOG_CORRUPT`.
 */
export async function* readEntries(
  parts: LogParts,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<LogEntry, undefined, undefined> {
  let position = from;
  let lastRead = 0n;
  while (!signal.aborted) {
    const listing = await listBatches(parts, position, signal);
    if (listing.floor > position) throw new LogTruncated(position, listing.floor);
    let isComplete = true;
    for (let at = 0; at < listing.batches.length && isComplete; at += batchesAtOnce) {
      for (const found of await getBatches(parts, listing.batches.slice(at, at + batchesAtOnce), signal)) {
        if (found === undefined) {
          isComplete = false;
          break;
        }
        lastRead = found.modRevision;
        for (const entry of entriesAbove(position, found)) {
          position = entry.op;
          parts.known.saw(position);
          yield entry;
          if (signal.aborted) return;
        }
      }
    }
    if (!isComplete) continue;
    const start = { next: listing.revision + 1n, lastRead };
    for await (const batch of watchBatches(parts, start, signal)) {
      lastRead = batch.modRevision;
      for (const entry of entriesAbove(position, batch)) {
        position = entry.op;
        parts.known.saw(position);
        yield entry;
        if (signal.aborted) return;
      }
    }
  }
}

/** Batches that are asked for at once, so that an answer stays below some tens of MiB. */
const batchesAtOnce = 16;

/** These batches, whatever revision there is now: each is put once. The last is undefined if it was forgotten meanwhile. */
async function getBatches(
  parts: LogParts,
  batches: readonly BatchKey[],
  signal: AbortSignal,
): Promise<(KeyValue | undefined)[]> {
  const { client, settings } = parts;
  const success = batches.map(({ key }) => get(key));
  const repetition = { timeoutMs: settings.requestTimeoutMs, signal, what: "the log cannot be read" };
  const answer = await untilAnswered(client, { success }, repetition);
  const found: (KeyValue | undefined)[] = [];
  for (const [index, batch] of batches.entries()) {
    const [batchFound] = readAt(answer, index);
    found.push(batchFound);
    if (batchFound === undefined) {
      await checkForgotten(parts, batch, signal);
      break;
    }
  }
  return found;
}

async function checkForgotten(parts: LogParts, batch: BatchKey, signal: AbortSignal): Promise<void> {
  const { floor } = await listBatches(parts, Number.MAX_SAFE_INTEGER, signal);
  if (floor >= firstOpOf(batch)) return;
  throw logRegressed(`the batch ${textOf(batch.key)} is gone, and was not forgotten`);
}

function entriesAbove(from: number, { key, value, modRevision }: StoredBatch): LogEntry[] {
  return decodeBatch(value, textOf(key)).flatMap((entry, index) => {
    const op = positionOf(modRevision, index);
    return op > from ? [{ op, entry }] : [];
  });
}
