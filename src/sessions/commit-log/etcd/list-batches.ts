import { Code } from "../../../../internal/errors/code.js";
import { QuorateError } from "../../../../internal/errors/quorate-error.js";
import type { KeyRange } from "./etcd-keys.js";
import { positionOf, readNumber, revisionAt } from "./etcd-keys.js";
import type { KeyValue, TxnResponse } from "./gen/etcd/rpc_pb.js";
import type { LogParts } from "./log-parts.js";
import { checkGenesis, get, readAt, revisionOf } from "./transactions.js";
import { untilAnswered } from "./until-answered.js";

/** The key of a batch, and the revision at which it was put. */
export interface BatchKey {
  readonly key: Uint8Array;
  readonly revision: bigint;
}

/** The log as of one revision. */
export interface LogListing {
  readonly revision: bigint;
  /** The highest position that was forgotten by the end of the listing: batches up to there may be missing. */
  readonly floor: number;
  /** Those in which there may be entries above the position that was asked for, in order. */
  readonly batches: readonly BatchKey[];
}

/** Keys of one answer. */
const pageSize = 4_096;

/**
 * Lists the batches that may have entries above `from`, without their entries.
 * @throws what `untilAnswered` throws; DataLoss, `LOG_REGRESSED`, `LOG_CORRUPT`.
 */
export async function listBatches(parts: LogParts, from: number, signal: AbortSignal): Promise<LogListing> {
  const { keys } = parts;
  const minModRevision = BigInt(revisionAt(from));
  const found: KeyValue[] = [];
  let revision: bigint | undefined;
  for (let { key } = keys.batches; ; ) {
    // What was put since the first page is not in order with it. What was forgotten since is below the floor of the last.
    const range = { minModRevision, maxModRevision: revision ?? 0n };
    const batches = get(key, page(keys.batches, range));
    const answer = await ask(parts, signal, [get(keys.floor), get(keys.genesis), batches]);
    const floor = floorOf(parts, answer);
    revision ??= revisionOf(answer);
    found.push(...readAt(answer, 2));
    if (!hasMore(answer, 2)) return { revision, floor, batches: inOrder(found) };
    key = Uint8Array.of(...(found.at(-1)?.key ?? key), 0);
  }
}

function floorOf(parts: LogParts, answer: TxnResponse): number {
  const [genesis] = readAt(answer, 1);
  checkGenesis(parts, genesis);
  const [value] = readAt(answer, 0);
  // Before it is begun, a log is empty.
  const floor = value === undefined && genesis === undefined ? 0 : readNumber(value?.value);
  if (floor === undefined) throw noFloor();
  parts.known.saw(floor);
  return floor;
}

/**
 * Lists the keys of all batches that were put before a revision.
 * @throws what `untilAnswered` throws.
 */
export async function listBatchesBefore(
  parts: LogParts,
  revision: number,
  signal: AbortSignal,
): Promise<BatchKey[]> {
  const { batches } = parts.keys;
  const range = { maxModRevision: BigInt(revision - 1) };
  const found: KeyValue[] = [];
  if (revision <= 1) return [];
  for (let { key } = batches; ; ) {
    const answer = await ask(parts, signal, [get(key, page(batches, range))]);
    found.push(...readAt(answer, 0));
    if (!hasMore(answer, 0)) return inOrder(found);
    key = Uint8Array.of(...(found.at(-1)?.key ?? key), 0);
  }
}

/** The position of the first entry of a batch. */
export function firstOpOf({ revision }: BatchKey): number {
  return positionOf(revision, 0);
}

function page({ rangeEnd }: KeyRange, range: object) {
  return { rangeEnd, keysOnly: true, limit: BigInt(pageSize), ...range };
}

function hasMore({ responses }: TxnResponse, index: number): boolean {
  const response = responses[index]?.response;
  return response?.case === "responseRange" && response.value.more;
}

function inOrder(found: readonly KeyValue[]): BatchKey[] {
  return found
    .map(({ key, modRevision }) => ({ key, revision: modRevision }))
    .sort((a, b) => Number(a.revision - b.revision));
}

function ask(parts: LogParts, signal: AbortSignal, success: ReturnType<typeof get>[]): Promise<TxnResponse> {
  const timeoutMs = parts.settings.requestTimeoutMs;
  return untilAnswered(parts.client, { success }, { timeoutMs, signal, what: "the log cannot be read" });
}

function noFloor(): QuorateError {
  const message = "quorate: the key `floor` of the log is gone, or is no position";
  return new QuorateError(Code.DataLoss, message, { reason: "LOG_CORRUPT" });
}
