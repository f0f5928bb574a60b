import { setTimeout as pause } from "node:timers/promises";
import { unlessAborted } from "./unless-aborted.js";

/**
 * Makes so many requests in a second, for `timeMs` milliseconds, whether those before have ended or not. Resolves with
 * their number when the last has ended; rejects as the first one that fails, or with the reason of the signal.
 */
export async function runPaced(
  rate: number,
  timeMs: number,
  request: (turn: number) => Promise<unknown>,
  signal: AbortSignal,
): Promise<number> {
  const total = Math.max(1, Math.round((rate * timeMs) / 1_000));
  const start = performance.now();
  const made: Promise<unknown>[] = [];
  for (let turn = 0; turn < total; turn++) {
    const waitMs = start + (turn * 1_000) / rate - performance.now();
    if (waitMs > 0) await pause(waitMs);
    signal.throwIfAborted();
    const one = request(turn);
    // Told below, of all of them.
    one.catch(() => {});
    made.push(one);
  }
  await unlessAborted(Promise.all(made), signal);
  return total;
}
