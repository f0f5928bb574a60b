import type { Machine } from "../shared/machine.js";
import type { CostRow, RoundSettings } from "./compare-costs.js";

/** All that a run has found: what `--json` writes. */
export interface Results {
  readonly machine: Machine;
  readonly settings: RoundSettings;
  readonly benchmarks: readonly BenchmarkResult[];
}

/** What a benchmark has found. */
export interface BenchmarkResult {
  readonly name: string;
  readonly description: string;
  readonly rows: readonly CostRow[];
}
