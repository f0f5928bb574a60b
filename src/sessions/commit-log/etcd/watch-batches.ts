import { Code } from "../../../../internal/errors/code.js";
import { monotonicMs } from "../../../../internal/util/deadlines.js";
import { onAbort } from "../../../../internal/util/on-abort.js";
import { logUnavailable } from "../log-errors.js";
import { EtcdFailure } from "./etcd-client.js";
import { WatchCreateRequest_FilterType } from "./gen/etcd/rpc_pb.js";
import type { LogParts } from "./log-parts.js";
import type { StoredBatch } from "./own-batches.js";
import { pauses } from "./until-answered.js";
import { watchWithOwn } from "./watch-with-own.js";
import { type WatchPlace, watchdog } from "./watchdog.js";

/** Where a watch begins. */
export interface WatchStart {
  /** The first revision that is wanted. */
  readonly next: bigint;
  /** The revision of a batch that was read before; 0 for none. */
  readonly lastRead: bigint;
}

/**
 * The batches from a revision on, in order, as they are put. Goes on at another endpoint when a watch ends or falls
 * behind. Ends without a word when the signal does, and when etcd has compacted what comes next: it must be listed.
 *
 * @throws QuorateError Unavailable, `LOG_UNAVAILABLE`, if for `requestTimeoutMs` no endpoint had a watch; DataLoss,
 * `LOG_REGRESSED`.
 */
export async function* watchBatches(
  parts: LogParts,
  start: WatchStart,
  signal: AbortSignal,
): AsyncGenerator<StoredBatch, void, undefined> {
  const { client, keys, own, settings } = parts;
  const pause = pauses(client);
  const place: WatchPlace = { ...start, isWaiting: false, failure: undefined };
  /** Since when there is none. */
  let silentSince = monotonicMs();
  while (!signal.aborted) {
    const watch = client.watch({
      ...keys.batches,
      startRevision: place.next,
      filters: [WatchCreateRequest_FilterType.NODELETE],
      fragment: true,
    });
    const stopLooking = watchdog(parts, place, () => watch.cancel());
    // Also where the reader does not come back for what was read.
    const unlisten = onAbort(signal, () => {
      stopLooking();
      watch.cancel();
    });
    let isThere = false;
    try {
      place.isWaiting = true;
      for await (const news of watchWithOwn(watch, own, () => place.lastRead)) {
        if (news.kind === "own") {
          place.isWaiting = false;
          place.next = news.batch.modRevision + 1n;
          place.lastRead = news.batch.modRevision;
          yield news.batch;
          place.isWaiting = true;
          continue;
        }
        const { response } = news;
        if (response.compactRevision > 0n) return;
        if (response.canceled) throw ended(response.cancelReason);
        isThere = true;
        place.isWaiting = false;
        for (const { kv } of response.events) {
          // Own ones were read before; on the watch, one comes again only if a revision was split between two answers.
          if (kv === undefined || kv.modRevision < place.next) continue;
          place.next = kv.modRevision + 1n;
          place.lastRead = kv.modRevision;
          yield kv;
        }
        place.isWaiting = true;
      }
    } catch (error) {
      if (place.failure !== undefined) throw place.failure;
      if (!(error instanceof EtcdFailure)) throw error;
      if (isThere) silentSince = monotonicMs();
      const silentMs = monotonicMs() - silentSince;
      if (silentMs > settings.requestTimeoutMs) {
        throw logUnavailable(`no endpoint of etcd has had a watch for ${Math.round(silentMs)} ms`, error);
      }
    } finally {
      place.isWaiting = false;
      stopLooking();
      unlisten();
    }
    await pause(signal);
  }
}

function ended(reason: string): EtcdFailure {
  return new EtcdFailure("unknown", Code.Unavailable, reason === "" ? "the watch was ended" : reason);
}
