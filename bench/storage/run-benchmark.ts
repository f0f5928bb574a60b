import { type Client, type Configuration, createClient, type Responses } from "quorate";
import { runLanes } from "../shared/run-lanes.js";
import type { BenchmarkKind, LoadSettings } from "./benchmarks.js";
import type { MemoryUse as MemoryMessage } from "./gen/bench/v1/benchmark_pb.js";
import { Benchmark } from "./gen/bench/v1/benchmark_quorate.js";
import { type MemoryUse, startHeapMeter } from "./heap-meter.js";
import { pool, RunningStatistics, type Statistics } from "./statistics.js";
import { type WallClock, wallClock } from "./wall-clock.js";

/** How a benchmark is run. */
export interface BenchmarkSettings extends LoadSettings {
  /** Milliseconds of calls before the measurement. */
  readonly warmupMs: number;
  /** Milliseconds of calls that are measured. */
  readonly timeMs: number;
}

/** What a benchmark found. */
export interface BenchmarkResult {
  readonly name: string;
  /** Calls that ended; where the servers measure, the messages that came at one of them, on average. */
  readonly operations: number;
  readonly perSecond: number;
  /** Of the latencies, in milliseconds. */
  readonly latency: Statistics;
  /** The memory use of this process. */
  readonly client: MemoryUse;
  /** That of the servers, in the order of their ids. */
  readonly servers: readonly ServerMemory[];
}

/** The memory use of one server. */
export interface ServerMemory extends MemoryUse {
  readonly node: number;
  readonly address: string;
}

/**
 * Runs a benchmark against the servers of a configuration: the warm-up, then the measurement, which every server is
 * told the beginning and the end of. Rejects with the error of the first call that fails.
 */
export async function runBenchmark(
  benchmark: BenchmarkKind,
  configuration: Configuration,
  settings: BenchmarkSettings,
  clock: WallClock = wallClock,
): Promise<BenchmarkResult> {
  const client = createClient(Benchmark, configuration);
  const lanes = benchmark.lanes(settings);
  const call = benchmark.prepare(client, settings, clock);
  await runLanes(lanes, settings.warmupMs, call);
  const load = (one: typeof call) => measure(() => runLanes(lanes, settings.timeMs, one));
  const findings =
    benchmark.measuredBy === "client"
      ? await measuredByClient(client, (record) => load(timed(call, record)))
      : await measuredByServers(client, () => load(call));
  return { name: benchmark.name, ...findings };
}

type Findings = Omit<BenchmarkResult, "name">;
type BenchmarkClient = Client<typeof Benchmark, Configuration>;

async function measuredByClient(
  client: BenchmarkClient,
  load: (record: (latencyMs: number) => void) => Promise<Load>,
): Promise<Findings> {
  await client.startBenchmark({}).all();
  const latency = new RunningStatistics();
  const { elapsedMs, memory } = await load((latencyMs) => latency.add(latencyMs));
  const replies = await allReplies(client.stopBenchmark({}));
  return {
    operations: latency.count,
    perSecond: rate(latency.count, elapsedMs),
    latency,
    client: memory,
    servers: replies.map(({ reply, ...server }) => ({ ...server, ...memoryUse(reply) })),
  };
}

async function measuredByServers(client: BenchmarkClient, load: () => Promise<Load>): Promise<Findings> {
  await client.startServerBenchmark({}).all();
  const { memory } = await load();
  const replies = await allReplies(client.stopServerBenchmark({}));
  const parts = replies.map(({ reply: { count, meanMs, squares, elapsedMs } }) => ({
    count: Number(count),
    mean: meanMs,
    squares,
    elapsedMs,
  }));
  const latency = pool(parts);
  const rates = parts.map(({ count, elapsedMs }) => rate(count, elapsedMs));
  return {
    operations: latency.count / parts.length,
    perSecond: rates.reduce((sum, each) => sum + each, 0) / parts.length,
    latency,
    client: memory,
    servers: replies.map(({ reply, ...server }) => ({ ...server, ...memoryUse(reply.memory) })),
  };
}

function timed(call: () => Promise<unknown>, record: (latencyMs: number) => void): () => Promise<void> {
  return async () => {
    const start = performance.now();
    await call();
    record(performance.now() - start);
  };
}

interface Load {
  readonly elapsedMs: number;
  readonly memory: MemoryUse;
}

async function measure(work: () => Promise<void>): Promise<Load> {
  const meter = startHeapMeter();
  const start = performance.now();
  let elapsedMs = 0;
  let memory: MemoryUse;
  try {
    await work();
    elapsedMs = performance.now() - start;
  } finally {
    memory = meter.stop();
  }
  return { elapsedMs, memory };
}

/** The replies of all nodes, in the order of their ids. */
async function allReplies<Reply>(
  responses: Responses<Reply>,
): Promise<{ node: number; address: string; reply: Reply }[]> {
  await responses.all();
  const replies: { node: number; address: string; reply: Reply }[] = [];
  for await (const { node, ...outcome } of responses) {
    if (outcome.ok) replies.push({ node: node.id, address: node.address, reply: outcome.value });
  }
  return replies.sort((a, b) => a.node - b.node);
}

function memoryUse(message: MemoryMessage | undefined): MemoryUse {
  return { heapBytes: Number(message?.heapBytes ?? 0n), collections: message?.collections ?? 0 };
}

function rate(count: number, elapsedMs: number): number {
  return elapsedMs > 0 ? (count / elapsedMs) * 1_000 : 0;
}
