/** Latencies in milliseconds, told briefly. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Median, 99th percentile and maximum, rounded to hundredths of a millisecond. */
export function summarize(latencies: readonly number[]): LatencySummary {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (part: number) =>
    round(sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)] ?? 0);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** `120 calls, p50 0.4 ms, p99 2.1 ms, max 3.0 ms`. */
export function describeLatencies({ count, p50, p99, max }: LatencySummary): string {
  return `${count} calls, p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`;
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
