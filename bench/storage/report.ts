import { align } from "../shared/align.js";
import type { MemoryUse } from "./heap-meter.js";
import type { BenchmarkResult } from "./run-benchmark.js";
import { standardDeviation } from "./statistics.js";

/**
 * The results as a table with a line for each. Memory is that of the client and its servers together, unless
 * `serverStats` is set: then it is that of the client, and that of each server beside it. A dash stands for what
 * cannot be said: of nothing, or of too few.
 */
export function formatTable(
  results: readonly BenchmarkResult[],
  { serverStats }: { readonly serverStats: boolean },
): string {
  const [first] = results;
  const nodes = first?.servers.map(({ node }) => node) ?? [];
  const owners = serverStats ? ["client", ...nodes.map((node) => `server ${node}`)] : ["client+servers"];
  const header = [
    "Benchmark",
    "ops/sec",
    "mean ms",
    "std-dev ms",
    ...owners.flatMap((owner) => [`${owner} B/op`, "GCs"]),
  ];
  const lines = results.map((result) => {
    const { meanMs, stdDevMs } = latencyOf(result);
    const uses = serverStats ? [result.client, ...result.servers] : [totalMemory(result)];
    return [
      result.name,
      result.perSecond.toFixed(2),
      decimal(meanMs),
      decimal(stdDevMs),
      ...uses.flatMap((use) => [whole(bytesPerOperation(use, result)), `${use.collections}`]),
    ];
  });
  return align([header, ...lines]);
}

/** What `--json` prints of a result. */
export interface JsonResult {
  readonly name: string;
  readonly operations: number;
  readonly opsPerSecond: number;
  /** null if there was no operation. */
  readonly latencyMeanMs: number | null;
  /** null if there were fewer than two. */
  readonly latencyStdDevMs: number | null;
  /** Of the client and the servers together; null if there was no operation. */
  readonly heapBytesPerOp: number | null;
  /** Of the client and the servers together. */
  readonly collections: number;
  readonly client: MemoryUse;
  readonly servers: readonly (MemoryUse & { readonly node: number; readonly address: string })[];
}

/** A result as plain data. */
export function toJsonResult(result: BenchmarkResult): JsonResult {
  const { client, name, operations, perSecond, servers } = result;
  const { meanMs, stdDevMs } = latencyOf(result);
  const total = totalMemory(result);
  return {
    name,
    operations,
    opsPerSecond: perSecond,
    latencyMeanMs: meanMs ?? null,
    latencyStdDevMs: stdDevMs ?? null,
    heapBytesPerOp: bytesPerOperation(total, result) ?? null,
    collections: total.collections,
    client,
    servers,
  };
}

function latencyOf({ latency }: BenchmarkResult): {
  meanMs: number | undefined;
  stdDevMs: number | undefined;
} {
  return { meanMs: latency.count === 0 ? undefined : latency.mean, stdDevMs: standardDeviation(latency) };
}

function totalMemory({ client, servers }: BenchmarkResult): MemoryUse {
  const all = [client, ...servers];
  return {
    heapBytes: all.reduce((sum, { heapBytes }) => sum + heapBytes, 0),
    collections: all.reduce((sum, { collections }) => sum + collections, 0),
  };
}

function bytesPerOperation({ heapBytes }: MemoryUse, { operations }: BenchmarkResult): number | undefined {
  return operations === 0 ? undefined : heapBytes / operations;
}

function decimal(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(3);
}

function whole(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(0);
}
