import { rateBenchmarks } from "./benchmarks.js";

/** A benchmark as it is listed. */
export interface ListedBenchmark {
  readonly name: string;
  readonly description: string;
}

/** All benchmarks, in the order in which they are run. */
export const listedBenchmarks: readonly ListedBenchmark[] = [
  ...rateBenchmarks,
  { name: "table", description: "check and apply of a request, in tables of different sizes" },
  { name: "idle", description: "memory of a session that is idle, without replies" },
];

/** The names of all. */
export const benchmarkNames: readonly string[] = listedBenchmarks.map(({ name }) => name);
