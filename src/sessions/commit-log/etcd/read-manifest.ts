import { Code } from "../../../../internal/errors/code.js";
import { QuorateError } from "../../../../internal/errors/quorate-error.js";
import type { LogParts } from "./log-parts.js";
import { decodeManifest, type SnapshotManifest } from "./snapshot-manifest.js";
import { checkGenesis, get, readAt } from "./transactions.js";
import { untilAnswered } from "./until-answered.js";

/**
 * Which snapshot is stored; undefined if there is none.
 * @throws what `untilAnswered` throws; DataLoss, `LOG_REGRESSED`, `LOG_CORRUPT`.
 */
export async function readManifest(
  parts: LogParts,
  signal: AbortSignal,
): Promise<SnapshotManifest | undefined> {
  const { client, keys, settings } = parts;
  const success = [get(keys.manifest), get(keys.genesis)];
  const repetition = { timeoutMs: settings.requestTimeoutMs, signal, what: "the snapshot cannot be read" };
  const answer = await untilAnswered(client, { success }, repetition);
  checkGenesis(parts, readAt(answer, 1)[0]);
  const [found] = readAt(answer, 0);
  // Before the genesis there is nothing.
  if (found === undefined) return undefined;
  const manifest = decodeManifest(found.value);
  if (manifest === undefined) throw damagedSnapshot("its manifest is none");
  return manifest === "none" ? undefined : manifest;
}

/** The stored snapshot is not as it was written. */
export function damagedSnapshot(why: string): QuorateError {
  const message = `quorate: the snapshot of the log is damaged: ${why}`;
  return new QuorateError(Code.DataLoss, message, { reason: "LOG_CORRUPT" });
}
