import type { Machine } from "../shared/machine.js";
import type { Unit } from "./benchmarks.js";
import type { ComparisonResult } from "./comparison.js";
import type { RunOptions } from "./options.js";

/** All that a run has found: what `--json` writes. */
export interface Results {
  readonly machine: Machine;
  /** As `etcd --version` says. */
  readonly etcd: string;
  readonly settings: Omit<RunOptions, "json" | "only">;
  readonly results: readonly NamedComparison[];
}

/** A comparison, and what it is one of. */
export interface NamedComparison extends ComparisonResult {
  readonly name: string;
  readonly description: string;
  readonly unit: Unit;
}
