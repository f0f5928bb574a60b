import { invalidArgument } from "../../internal/errors/quorate-error.js";
import { deadlineAfter, monotonicMs, scheduleDeadline } from "../../internal/util/deadlines.js";
import { onAbort } from "../../internal/util/on-abort.js";

/** How a configuration is watched. */
export interface WatchOptions {
  /** Milliseconds from one look to the next. */
  readonly intervalMs: number;
  /** Ends the loop, without an error. Without a signal the loop ends only when it is left. */
  readonly signal?: AbortSignal;
}

/**
 * Yields what `derive` returns at once, then whenever a later look, one every `intervalMs`, finds another value. Looks
 * only while somebody waits for the next value: who reads slowly gets the newest one, and a loop that was left has no
 * timer.
 *
 * @throws QuorateError InvalidArgument for options that are wrong. What `derive` throws ends the loop.
 */
export function watchChanges<Value extends { equals(other: Value): boolean }>(
  derive: () => Value,
  { intervalMs, signal }: WatchOptions,
): AsyncIterable<Value> {
  if (!(Number.isFinite(intervalMs) && intervalMs > 0)) {
    throw invalidArgument(`Watch interval must be positive: intervalMs is ${intervalMs}`);
  }
  return {
    [Symbol.asyncIterator]: () => {
      const left = new AbortController();
      const ends = signal === undefined ? [left.signal] : [left.signal, signal];
      const values = changes(derive, intervalMs, ends);
      return {
        next: () => values.next(),
        return: () => {
          // A generator that waits would first wait to the end.
          left.abort();
          return values.return(undefined);
        },
      };
    },
  };
}

async function* changes<Value extends { equals(other: Value): boolean }>(
  derive: () => Value,
  intervalMs: number,
  ends: readonly AbortSignal[],
): AsyncGenerator<Value, undefined, undefined> {
  let last: Value | undefined;
  while (!ends.some(({ aborted }) => aborted)) {
    const next = deadlineAfter(intervalMs);
    const value = derive();
    if (last === undefined || !value.equals(last)) {
      last = value;
      yield value;
    }
    await until(next, ends);
  }
}

/** Resolves at the deadline, or as soon as one of the signals has ended. */
function until(deadline: number, ends: readonly AbortSignal[]): Promise<void> {
  if (deadline <= monotonicMs() || ends.some(({ aborted }) => aborted)) return Promise.resolve();
  return new Promise((resolve) => {
    const over = () => {
      for (const stop of stops) stop();
      resolve();
    };
    const stops = [scheduleDeadline(deadline, over), ...ends.map((signal) => onAbort(signal, over))];
  });
}
