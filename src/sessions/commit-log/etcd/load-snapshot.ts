import type { LogSnapshot } from "../commit-log.js";
import { crc32c } from "../crc32c.js";
import type { LogParts } from "./log-parts.js";
import { damagedSnapshot, readManifest } from "./read-manifest.js";
import type { SnapshotManifest } from "./snapshot-manifest.js";
import { get, readAt } from "./transactions.js";
import { untilAnswered } from "./until-answered.js";

/** Chunks that are asked for at once. */
const chunksAtOnce = 8;

/**
 * The stored snapshot; undefined if there is none. If another one takes its place meanwhile, that one.
 * @throws what `untilAnswered` throws; DataLoss, `LOG_REGRESSED`, `LOG_CORRUPT`.
 */
export async function loadSnapshot(parts: LogParts, signal: AbortSignal): Promise<LogSnapshot | undefined> {
  let last: SnapshotManifest | undefined;
  while (true) {
    const manifest = await readManifest(parts, signal);
    if (manifest === undefined) return undefined;
    if (last?.id === manifest.id) throw damagedSnapshot("a part of it is missing");
    const bytes = await readChunks(parts, manifest, signal);
    if (bytes !== undefined) {
      check(manifest, bytes);
      parts.known.saw(manifest.op);
      return { op: manifest.op, bytes };
    }
    last = manifest;
  }
}

/** Its bytes; undefined if a chunk is missing. */
async function readChunks(
  { client, keys, settings }: LogParts,
  { id, chunks }: SnapshotManifest,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const found: Uint8Array[] = [];
  while (found.length < chunks) {
    const numbers = Array.from({ length: Math.min(chunksAtOnce, chunks - found.length) }, (_, at) => at);
    const success = numbers.map((at) => get(keys.chunk(id, found.length + at)));
    const repetition = { timeoutMs: settings.requestTimeoutMs, signal, what: "the snapshot cannot be read" };
    const answer = await untilAnswered(client, { success }, repetition);
    for (const at of numbers) {
      const [chunk] = readAt(answer, at);
      if (chunk === undefined) return undefined;
      found.push(chunk.value);
    }
  }
  const { buffer, byteOffset, byteLength } = Buffer.concat(found);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function check({ bytes, checksum }: SnapshotManifest, found: Uint8Array): void {
  if (found.byteLength !== bytes)
    throw damagedSnapshot(`it has ${found.byteLength} bytes in place of ${bytes}`);
  if (crc32c(found) !== checksum) throw damagedSnapshot("its checksum is another one");
}
