import { create } from "@bufbuild/protobuf";
import type { CommitLog } from "../../../../src/sessions/commit-log/commit-log.js";
import type { EtcdClient } from "../../../../src/sessions/commit-log/etcd/etcd-client.js";
import {
  type KeyRange,
  keysBelow,
  readNumber,
  textOf,
} from "../../../../src/sessions/commit-log/etcd/etcd-keys.js";
import { openLogWith } from "../../../../src/sessions/commit-log/etcd/etcd-log.js";
import type { EtcdLogOptions } from "../../../../src/sessions/commit-log/etcd/etcd-log-options.js";
import {
  TxnRequestSchema,
  type TxnResponse,
} from "../../../../src/sessions/commit-log/etcd/gen/etcd/rpc_pb.js";
import { get, type Operation, readAt } from "../../../../src/sessions/commit-log/etcd/transactions.js";
import { AppendError } from "../../../../src/sessions/commit-log/log-errors.js";
import { begun, bytes } from "../log-helpers.js";
import type { Fate, SimulatedCall, SimulatedEtcd } from "./simulated-etcd.js";
import { answered } from "./simulated-etcd.js";

/** Where the keys of these logs are. */
export const prefix = "some/log/";

/** A handle on the log in this etcd, and the client that it has. */
export interface OpenedLog {
  readonly log: CommitLog;
  readonly client: EtcdClient;
}

/** Opens a handle, and begins the log. */
export async function openOn(etcd: SimulatedEtcd, options: Partial<EtcdLogOptions> = {}): Promise<OpenedLog> {
  const client = etcd.client();
  const log = openLogWith(client, { endpoints: ["127.0.0.1:1"], prefix, ...options });
  return { client, log: await begun(log) };
}

/** Something that others wait for. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

/** A gate that is closed. */
export function gate(): Gate {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** What became of an append: its position, or what its error says. */
export async function outcomeOf(appending: Promise<number>): Promise<number | AppendError["outcome"]> {
  try {
    return await appending;
  } catch (error) {
    if (error instanceof AppendError) return error.outcome;
    throw error;
  }
}

/** The fates of the first transactions of a kind; all others are answered. */
export function fatesOf(
  isOne: (call: SimulatedCall) => boolean,
  fates: readonly Fate[],
): (call: SimulatedCall) => Fate {
  let count = 0;
  return (call) => (isOne(call) ? (fates[count++] ?? answered) : answered);
}

/** Appends the texts one after another, so that each is a batch. */
export async function appendOneByOne(log: CommitLog, entries: readonly string[]): Promise<number[]> {
  const ops: number[] = [];
  for (const entry of entries) ops.push(await log.append(bytes(entry)));
  return ops;
}

/** Does something to the etcd, past all handles. */
export function carryOut(etcd: SimulatedEtcd, ...success: Operation[]): TxnResponse {
  return etcd.carryOut(create(TxnRequestSchema, { success }));
}

/** The names of the keys that there are in a range. */
export function namesIn(etcd: SimulatedEtcd, { key, rangeEnd }: KeyRange): string[] {
  return readAt(carryOut(etcd, get(key, { rangeEnd })), 0).map((found) => textOf(found.key));
}

/** Where the floor of the log is. */
export function floorOf(etcd: SimulatedEtcd): number | undefined {
  return readNumber(readAt(carryOut(etcd, get(keysBelow(prefix).floor)), 0)[0]?.value);
}
