import { Code } from "../../../../internal/errors/code.js";
import { QuorateError } from "../../../../internal/errors/quorate-error.js";
import { fixedWidth } from "./etcd-keys.js";
import type { LogParts } from "./log-parts.js";
import { noSnapshot } from "./snapshot-manifest.js";
import { get, isMissing, put, readAt } from "./transactions.js";
import { untilAnswered } from "./until-answered.js";

/**
 * Begins the log, if nobody has, and resolves with the bytes that it begins with: the proposal, or those stored before.
 * @throws what `untilAnswered` throws.
 */
export async function storeGenesis(
  { client, keys, settings }: LogParts,
  proposal: Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const answer = await untilAnswered(
    client,
    {
      // A log that has lost its first key is none that could be begun anew.
      compare: [isMissing(keys.genesis), isMissing(keys.head)],
      // Values can be compared only where there are some.
      success: [put(keys.genesis, proposal), put(keys.floor, fixedWidth(0)), put(keys.manifest, noSnapshot)],
      failure: [get(keys.genesis)],
    },
    { timeoutMs: settings.requestTimeoutMs, signal, what: "the log cannot be begun" },
  );
  if (answer.succeeded) return proposal;
  const stored = readAt(answer, 0)[0]?.value;
  if (stored !== undefined) return stored;
  const message = "quorate: the log has entries, and its first key is gone";
  throw new QuorateError(Code.DataLoss, message, { reason: "LOG_CORRUPT" });
}
