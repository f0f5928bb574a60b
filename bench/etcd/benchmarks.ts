import { appendTimes } from "./append-times.js";
import { applyTimes } from "./apply-times.js";
import type { BenchmarkSettings } from "./benchmark-settings.js";
import { catchUpRates } from "./catch-up-rates.js";
import type { ComparisonResult } from "./comparison.js";
import { readRates } from "./read-rates.js";
import { snapshotRates } from "./snapshot-rates.js";
import { writeRates } from "./write-rates.js";

/** In what the values of a benchmark are. */
export type Unit = "per second" | "ms" | "MB/s";

/** A benchmark: what is compared, and how. */
export interface Benchmark {
  readonly name: string;
  readonly description: string;
  readonly unit: Unit;
  readonly run: (settings: BenchmarkSettings) => Promise<ComparisonResult>;
}

const one = { clients: 64, window: 1 };
const sixteen = { clients: 64, window: 16 };

/** All benchmarks, in the order in which they are run. */
export const benchmarks: readonly Benchmark[] = [
  {
    name: "write1",
    description: "writes of 100 bytes by 64 clients, one under way for each, against as many plain puts",
    unit: "per second",
    run: writeRates(one, 100),
  },
  {
    name: "write16",
    description: "writes of 100 bytes by 64 clients, 16 under way for each, against as many plain puts",
    unit: "per second",
    run: writeRates(sixteen, 100),
  },
  {
    name: "large1",
    description: "writes of 1 KiB by 64 clients, one under way for each, against as many plain puts",
    unit: "per second",
    run: writeRates(one, 1_024),
  },
  {
    name: "large16",
    description: "writes of 1 KiB by 64 clients, 16 under way for each, against as many plain puts",
    unit: "per second",
    run: writeRates(sixteen, 1_024),
  },
  {
    name: "read1",
    description: "reads by 64 clients, one under way for each, against as many calls without sessions",
    unit: "per second",
    run: readRates(one),
  },
  {
    name: "read16",
    description: "reads by 64 clients, 16 under way for each, against as many calls without sessions",
    unit: "per second",
    run: readRates(sixteen),
  },
  {
    name: "apply",
    description: "from the append at one server until another has applied it, against put to watch",
    unit: "ms",
    run: applyTimes,
  },
  {
    name: "append",
    description: "one append after the other, against one put after the other",
    unit: "ms",
    run: appendTimes,
  },
  {
    name: "catchup",
    description: "entries that a new server reads from the log",
    unit: "per second",
    run: catchUpRates,
  },
  {
    name: "snapshot",
    description: "a snapshot is stored, and loaded",
    unit: "MB/s",
    run: snapshotRates,
  },
];

/** The names of all. */
export const benchmarkNames: readonly string[] = benchmarks.map(({ name }) => name);
