import type { MessageInitShape } from "@bufbuild/protobuf";
import { logRegressed } from "../log-errors.js";
import { fixedWidth } from "./etcd-keys.js";
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  type CompareSchema,
  type KeyValue,
  type RangeRequestSchema,
  type RequestOpSchema,
  type TxnResponse,
} from "./gen/etcd/rpc_pb.js";
import type { LogParts } from "./log-parts.js";

/** A condition of a transaction. */
export type Condition = MessageInitShape<typeof CompareSchema>;

/** One thing that a transaction does. */
export type Operation = MessageInitShape<typeof RequestOpSchema>;

/** The key was never put, or is deleted. */
export function isMissing(key: Uint8Array): Condition {
  return {
    key,
    target: Compare_CompareTarget.VERSION,
    result: Compare_CompareResult.EQUAL,
    targetUnion: { case: "version", value: 0n },
  };
}

/** The key is there. */
export function isThere(key: Uint8Array): Condition {
  return { ...isMissing(key), result: Compare_CompareResult.GREATER };
}

/** The key has this value. */
export function hasValue(key: Uint8Array, value: Uint8Array): Condition {
  return {
    key,
    target: Compare_CompareTarget.VALUE,
    result: Compare_CompareResult.EQUAL,
    targetUnion: { case: "value", value },
  };
}

/** The value of the key begins with a position, as `fixedWidth` has it, below `op`. False for a missing key. */
export function isBelow(key: Uint8Array, op: number): Condition {
  return { ...hasValue(key, fixedWidth(op)), result: Compare_CompareResult.LESS };
}

/** Puts a value. */
export function put(key: Uint8Array, value: Uint8Array): Operation {
  return { request: { case: "requestPut", value: { key, value } } };
}

/** Reads a key, or a range of keys. */
export function get(key: Uint8Array, range: MessageInitShape<typeof RangeRequestSchema> = {}): Operation {
  return { request: { case: "requestRange", value: { key, ...range } } };
}

/** Deletes a key, or a range of keys. */
export function remove(key: Uint8Array, rangeEnd?: Uint8Array): Operation {
  const value = rangeEnd === undefined ? { key } : { key, rangeEnd };
  return { request: { case: "requestDeleteRange", value } };
}

/** What the operation at this place of a transaction has read. */
export function readAt({ responses }: TxnResponse, index: number): readonly KeyValue[] {
  const response = responses[index]?.response;
  return response?.case === "responseRange" ? response.value.kvs : [];
}

/** The revision at which the transaction was carried out. */
export function revisionOf({ header }: TxnResponse): bigint {
  return header?.revision ?? 0n;
}

/** The log is the one that this handle was opened on, as far as it knows. */
export function isThisLog({ genesis, keys }: LogParts): Condition[] {
  return genesis === undefined ? [] : [hasValue(keys.genesis, genesis)];
}

/**
 * Looks whether the log is the one that this handle was opened on.
 * @throws QuorateError DataLoss, `LOG_REGRESSED`, if its genesis is gone or another one.
 */
export function checkGenesis({ genesis }: LogParts, found: KeyValue | undefined): void {
  if (genesis === undefined) return;
  if (found === undefined) throw logRegressed("its first key is gone");
  if (Buffer.compare(genesis, found.value) !== 0) throw logRegressed("another log stands in its place");
}
