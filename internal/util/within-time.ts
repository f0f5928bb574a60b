import { abortError, type QuorateError } from "../errors/quorate-error.js";
import { deadlineAfter, scheduleDeadline } from "./deadlines.js";
import { onAbort } from "./on-abort.js";

/** What ends a wait before its time. */
export interface WaitBounds {
  readonly timeoutMs: number;
  /** The error once that time is over. */
  readonly expired: () => QuorateError;
  /** Ends the wait with its reason. */
  readonly signal: AbortSignal | undefined;
}

/** Settles as the work does, which is given a signal for both ends, or rejects at one of them; it may then still run. */
export async function withinTime<T>(
  { timeoutMs, expired, signal }: WaitBounds,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw abortError(signal.reason);
  const ended = new AbortController();
  const stop = signal && onAbort(signal, (reason) => ended.abort(reason));
  const cancel = scheduleDeadline(deadlineAfter(timeoutMs), () => ended.abort(expired()));
  try {
    return await untilAborted(work(ended.signal), ended.signal);
  } finally {
    cancel();
    stop?.();
  }
}

/** Settles as the promise does, or rejects when the signal ends. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, (reason) => reject(abortError(reason)));
    if (signal.aborted) reject(abortError(signal.reason));
    promise.then(resolve, reject).finally(stop);
  });
}
