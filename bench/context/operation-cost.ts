import { setImmediate } from "node:timers/promises";
import { cpuMicrosOf } from "./cpu-time.js";

/**
 * Repeats an operation for so many milliseconds; resolves with the microseconds of processor time of one. Rejects with
 * the reason of the signal when that ends.
 *
 * @param repeat does the operation so many times
 */
export async function operationCost(
  timeMs: number,
  signal: AbortSignal,
  repeat: (times: number) => void | Promise<void>,
): Promise<number> {
  const batchMs = Math.min(timeMs / 20, longestBatchMs);
  let count = 0;
  const cpuMicros = await cpuMicrosOf(async () => {
    const start = performance.now();
    let elapsedMs = 0;
    let times = 1;
    while (elapsedMs < timeMs) {
      const before = elapsedMs;
      await repeat(times);
      count += times;
      elapsedMs = performance.now() - start;
      // Many at a time, so that clock and turns of the event loop do not count.
      if (elapsedMs - before < batchMs / 2) times *= 2;
      await setImmediate();
      signal.throwIfAborted();
    }
  });
  return cpuMicros / count;
}

const longestBatchMs = 50;

/** Does a synchronous operation so many times. */
export function repeated(times: number, operation: () => void): void {
  for (let at = 0; at < times; at++) operation();
}
