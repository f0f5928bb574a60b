import { randomBytes } from "node:crypto";
import { abortError } from "../../../internal/errors/quorate-error.js";
import { untilAborted, withinTime } from "../../../internal/util/within-time.js";
import { idBytes } from "../client-id.js";
import { LogTruncated, logClosed, logRegressed, logUnavailable } from "../commit-log/log-errors.js";
import { toHex } from "../hex.js";
import { decodeLogRecord } from "../record/decode-log-record.js";
import { decodeGenesis, encodeGenesis } from "../record/genesis.js";
import { newestFormat } from "../record/log-format.js";
import { checkLimitOptions, checkSizes, proposedLimits } from "../session-limits.js";
import { readEntries } from "./read-entries.js";
import { ReplicatedState } from "./replicated-state.js";
import type { SessionLogInit } from "./session-log-types.js";

/**
 * The state as of the end of the log, which is begun if it is empty: out of the snapshot and the entries above it. Two
 * servers that begin one log at once get the same genesis.
 *
 * @throws QuorateError FailedPrecondition, `LIMITS_DIFFER`, if the options are not what stands in the log by its end;
 * InvalidArgument for limits that contradict each other, or are above what entries and messages can take; DataLoss or
 * Unimplemented for a log or a snapshot that cannot be read, or has regressed; errors of the log; the signal's.
 */
export async function openState(init: SessionLogInit): Promise<ReplicatedState> {
  const { log, limits = {}, maxMessageBytes, machines, checkEvery, signal } = init;
  const bounds = { maxEntryBytes: log.maxEntryBytes, maxMessageBytes };
  const snapshot = await untilAborted(log.loadSnapshot(), signal);
  const tail = await withinTime(boundsOf(init), (ended) => log.tail({ signal: ended }));
  const mayBeNew = snapshot === undefined && tail === 0;
  // Where there is something, the proposal is not taken, and defaults in place of what the log says prove nothing.
  const proposal = proposedLimits(mayBeNew ? limits : {});
  // Before they are written: a log that was begun with limits that do not fit would be of use to nobody.
  if (mayBeNew) checkSizes(proposal, bounds);
  const clusterId = toHex(randomBytes(idBytes));
  const bytes = encodeGenesis({ clusterId, format: newestFormat, limits: proposal });
  const genesis = decodeGenesis(await withinTime(boundsOf(init), () => log.genesis(bytes)));

  const state = new ReplicatedState(genesis, machines, checkEvery);
  if (snapshot !== undefined) state.restore(snapshot);
  await replay(init, state, tail);
  // As of the log's end: a Configure may have changed them.
  checkLimitOptions(limits, state.table.limits);
  checkSizes(state.table.limits, bounds);
  return state;
}

/** The bounds of one step of opening. */
export function boundsOf({ maxWaitMs = 30_000, signal }: SessionLogInit): Parameters<typeof withinTime>[0] {
  const expired = () => logUnavailable(`the commit log did not answer within ${maxWaitMs} ms`);
  return { timeoutMs: maxWaitMs, expired, signal };
}

async function replay({ log, signal }: SessionLogInit, state: ReplicatedState, tail: number): Promise<void> {
  const { appliedOp } = state.table;
  if (tail < appliedOp) throw logRegressed(`it ends at op ${tail}, and its snapshot at op ${appliedOp}`);
  while (state.table.appliedOp < tail) {
    try {
      await readEntries(log, state.table.appliedOp, signal, ({ op, entry }) => {
        state.check(state.apply(op, decodeLogRecord(entry)));
        return op < tail ? "next" : "end";
      });
    } catch (error) {
      // Another server has stored a snapshot meanwhile.
      if (!(error instanceof LogTruncated)) throw error;
      state.restore(await untilAborted(log.loadSnapshot(), signal));
      continue;
    }
    if (signal?.aborted) throw abortError(signal.reason);
    if (state.table.appliedOp < tail) throw logClosed();
  }
}
