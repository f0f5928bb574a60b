import type { RoundSettings } from "./comparison.js";

/** How the benchmarks are run. */
export interface BenchmarkSettings extends RoundSettings {
  /** Members of the etcd cluster. */
  readonly members: number;
  /** Requests in a second, where times are measured and not rates. */
  readonly rate: number;
  /** Entries of a log that is read from its beginning. */
  readonly entries: number;
  /** MiB of a snapshot. */
  readonly snapshotMib: number;
  /** Ends the benchmark, with all that belongs to it. */
  readonly signal: AbortSignal;
}

/** Far more than it takes: only a server whose benchmark forgot it lives so long. */
export function lifeMs({ rounds, timeMs, warmupMs }: RoundSettings): number {
  return 10 * (rounds * timeMs + warmupMs) + 120_000;
}
