import type { Machine } from "../shared/machine.js";
import type { ComparisonResult } from "./comparison.js";
import type { IdleMemory } from "./idle-memory.js";
import type { TableCost } from "./table-cost.js";

/** All that a run has found: what `--json` writes. */
export interface Results {
  readonly machine: Machine;
  readonly settings: {
    readonly rounds: number;
    readonly timeMs: number;
    readonly warmupMs: number;
    readonly connections: number;
    readonly directory: string;
  };
  readonly rates: readonly NamedComparison[];
  /** Empty if it was not run. */
  readonly table: readonly TableCost[];
  /** null if it was not run. */
  readonly idle: IdleMemory | null;
}

/** A comparison, and what it is one of. */
export interface NamedComparison extends ComparisonResult {
  readonly name: string;
  readonly description: string;
}
