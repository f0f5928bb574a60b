import { outsideScopes } from "./async-scope.js";

/** Milliseconds of the monotonic clock. Only differences mean something. */
export function monotonicMs(): number {
  return performance.now();
}

/** A time on the monotonic clock, `timeoutMs` from now; Infinity stays Infinity. */
export function deadlineAfter(timeoutMs: number): number {
  return timeoutMs === Number.POSITIVE_INFINITY ? timeoutMs : monotonicMs() + timeoutMs;
}

/** Ends the wait that it was made for. A second cancel does nothing. */
export type CancelDeadline = () => void;

/**
 * Calls `expired` once, at `deadline` (monotonic milliseconds) or up to {@link granularityMs} later, never
 * before. Infinity never expires. What `expired` throws surfaces as an uncaught error, after the others that
 * expire with it have run.
 *
 * All deadlines of a process share one timer and coarse buckets, because a timer per call costs a third of the
 * call rate. The timer keeps the process alive while a deadline is open, so that no wait ends unsaid.
 */
export function scheduleDeadline(deadline: number, expired: () => void): CancelDeadline {
  if (deadline === Number.POSITIVE_INFINITY) return nothingToCancel;
  const key = Math.max(Math.ceil(deadline / granularityMs), firstBucketAhead());
  let bucket = buckets.get(key);
  if (bucket === undefined) {
    bucket = new Set();
    buckets.set(key, bucket);
  }
  const entry = { expired };
  bucket.add(entry);
  arm(key);
  return () => {
    if (!bucket.delete(entry) || bucket.size > 0 || buckets.get(key) !== bucket) return;
    buckets.delete(key);
    if (buckets.size === 0) disarm();
  };
}

/** How late a deadline may fire. */
export const granularityMs = 4;

/** How many deadlines are open in this process; for leak checks. */
export function openDeadlines(): number {
  let count = 0;
  for (const bucket of buckets.values()) count += bucket.size;
  return count;
}

const maxTimerMs = 2 ** 31 - 1;
const buckets = new Map<number, Set<{ readonly expired: () => void }>>();
let timer: NodeJS.Timeout | undefined;
let armedFor = Number.POSITIVE_INFINITY;

function nothingToCancel(): void {}

function firstBucketAhead(): number {
  return Math.floor(monotonicMs() / granularityMs) + 1;
}

function arm(key: number): void {
  if (timer !== undefined && armedFor <= key) return;
  clearTimeout(timer);
  armedFor = key;
  const delayMs = Math.max(key * granularityMs - monotonicMs(), 0);
  // For all who have a deadline, and not for the one whose call happened to set it.
  timer = outsideScopes(setTimeout, fire, Math.min(Math.ceil(delayMs), maxTimerMs));
}

function disarm(): void {
  clearTimeout(timer);
  timer = undefined;
  armedFor = Number.POSITIVE_INFINITY;
}

function fire(): void {
  timer = undefined;
  armedFor = Number.POSITIVE_INFINITY;
  const due = Math.floor(monotonicMs() / granularityMs);
  const fired = [...buckets.keys()].filter((key) => key <= due).sort((a, b) => a - b);
  for (const key of fired) {
    const bucket = buckets.get(key);
    buckets.delete(key);
    // A Set gives entries in the order in which they came; those cancelled meanwhile are no longer in it.
    for (const entry of bucket ?? []) {
      bucket?.delete(entry);
      expire(entry.expired);
    }
  }
  let next = Number.POSITIVE_INFINITY;
  for (const key of buckets.keys()) next = Math.min(next, key);
  if (next !== Number.POSITIVE_INFINITY) arm(next);
}

function expire(expired: () => void): void {
  try {
    expired();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
