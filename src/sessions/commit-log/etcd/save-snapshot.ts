import { randomBytes } from "node:crypto";
import type { LogSnapshot } from "../commit-log.js";
import { crc32c } from "../crc32c.js";
import type { Transaction } from "./etcd-client.js";
import type { TxnResponse } from "./gen/etcd/rpc_pb.js";
import type { LogParts } from "./log-parts.js";
import { readManifest } from "./read-manifest.js";
import { begunMs, decodeManifest, encodeManifest } from "./snapshot-manifest.js";
import { checkGenesis, get, isBelow, isThere, isThisLog, put, readAt, remove } from "./transactions.js";
import { untilAnswered } from "./until-answered.js";

/** Bytes of one chunk: well below what etcd takes in one request. */
export const chunkBytes: number = 512 * 1024;

/** After how long the chunks of a snapshot that was never finished are removed, in milliseconds: an hour. */
const abandonedMs = 3_600_000;

/**
 * Stores a snapshot unless there is one of the same or a higher position: then it resolves with false.
 * @throws what `untilAnswered` throws; DataLoss, `LOG_REGRESSED`.
 */
export async function saveSnapshot(
  parts: LogParts,
  { op, bytes }: LogSnapshot,
  signal: AbortSignal,
): Promise<boolean> {
  const { keys } = parts;
  const before = await readManifest(parts, signal);
  if (before !== undefined && before.op >= op) return false;
  const id = `${Date.now().toString(16)}-${randomBytes(8).toString("hex")}`;
  const chunks = Math.max(1, Math.ceil(bytes.byteLength / chunkBytes));
  for (let number = 0; number < chunks; number++) {
    const chunk = bytes.subarray(number * chunkBytes, (number + 1) * chunkBytes);
    await ask(parts, { success: [put(keys.chunk(id, number), chunk)] }, signal);
  }
  const manifest = { op, id, chunks, bytes: bytes.byteLength, checksum: crc32c(bytes) };
  const value = encodeManifest(manifest);
  const answer = await ask(
    parts,
    {
      compare: [
        isBelow(keys.manifest, op),
        ...isThisLog(parts),
        // Whoever cleans up removes all chunks at once.
        isThere(keys.chunk(id, 0)),
      ],
      success: [put(keys.manifest, value)],
      failure: [get(keys.manifest), get(keys.genesis)],
    },
    signal,
  );
  // An earlier try of the same transaction may have stored it.
  const isStored = answer.succeeded || Buffer.compare(readAt(answer, 0)[0]?.value ?? noBytes, value) === 0;
  if (!isStored) checkGenesis(parts, readAt(answer, 1)[0]);
  await removeChunks(parts, isStored ? before?.id : id, signal);
  return isStored;
}

/** Removes the chunks of one snapshot, and of those that were begun long ago and are not the stored one. */
async function removeChunks(parts: LogParts, id: string | undefined, signal: AbortSignal): Promise<void> {
  const { keys } = parts;
  const { key, rangeEnd } = keys.chunks;
  const listing = await ask(
    parts,
    { success: [get(key, { rangeEnd, keysOnly: true }), get(keys.manifest)] },
    signal,
  );
  const stored = decodeManifest(readAt(listing, 1)[0]?.value ?? noBytes);
  // Whatever stands there: none of it may be known to be superfluous.
  if (stored === undefined) return;
  const ids = new Set(readAt(listing, 0).map((chunk) => keys.snapshotOf(chunk.key)));
  const tooOldMs = Date.now() - abandonedMs;
  for (const one of ids) {
    const isStored = typeof stored === "object" && stored.id === one;
    const isAbandoned = (begunMs(one) ?? 0) < tooOldMs;
    if (isStored || (one !== id && !isAbandoned)) continue;
    const range = keys.chunksOf(one);
    await ask(parts, { success: [remove(range.key, range.rangeEnd)] }, signal);
  }
}

const noBytes = new Uint8Array(0);

function ask(parts: LogParts, transaction: Transaction, signal: AbortSignal): Promise<TxnResponse> {
  const timeoutMs = parts.settings.requestTimeoutMs;
  return untilAnswered(parts.client, transaction, {
    timeoutMs,
    signal,
    what: "the snapshot cannot be stored",
  });
}
