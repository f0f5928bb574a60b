import { QuorateError } from "../../../../internal/errors/quorate-error.js";
import { Backoff } from "../../../../internal/stream/backoff.js";
import { pause } from "../../../../internal/util/pause.js";
import { withinTime } from "../../../../internal/util/within-time.js";
import { logUnavailable } from "../log-errors.js";
import { type EtcdClient, EtcdFailure, type Transaction } from "./etcd-client.js";
import type { TxnResponse } from "./gen/etcd/rpc_pb.js";

/** How a transaction is repeated. */
export interface Repetition {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What it is for, for messages: "the end of the log cannot be read". */
  readonly what: string;
}

/**
 * Tries a transaction that may be carried out more than once, until it is answered.
 *
 * @throws QuorateError Unavailable, `LOG_UNAVAILABLE`, if etcd refuses it, or does not answer in time; DataLoss,
 * `LOG_REGRESSED`; the reason of the signal.
 */
export async function untilAnswered(
  client: EtcdClient,
  transaction: Transaction,
  { timeoutMs, signal, what }: Repetition,
): Promise<TxnResponse> {
  let failure: EtcdFailure | undefined;
  const expired = () => logUnavailable(`${what}: etcd has not answered within ${timeoutMs} ms`, failure);
  return withinTime({ timeoutMs, expired, signal }, async (ended) => {
    const pause = pauses(client);
    while (true) {
      try {
        return await client.transact(transaction, ended);
      } catch (error) {
        if (!(error instanceof EtcdFailure)) throw error;
        failure = error;
      }
      if (isFinal(failure)) throw logUnavailable(`${what}: ${failure.message}`, failure);
      if (ended.aborted) throw QuorateError.from(ended.reason);
      await pause(ended);
    }
  });
}

/** Whether another try would be refused as well. */
export function isFinal(failure: EtcdFailure): boolean {
  return isFull(failure) || (failure.outcome === "refused" && !/too many requests/.test(failure.message));
}

/** Whether etcd says that it has no space left: which it says once of a transaction that it has carried out. */
export function isFull({ message }: EtcdFailure): boolean {
  return /database space exceeded/.test(message);
}

/** Waits between tries: not at all before each endpoint was tried, then longer each time. Ends early with the signal. */
export function pauses(client: EtcdClient): (signal: AbortSignal) => Promise<void> {
  const backoff = new Backoff({ minMs: 20, maxMs: 500 });
  let tries = 0;
  return async (signal) => {
    tries += 1;
    if (tries % client.endpoints === 0) await pause(backoff.next(), signal);
  };
}
