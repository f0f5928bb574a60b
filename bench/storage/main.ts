// The benchmark tool: `--help` tells of its options, README.md how to read what it prints.
import { Code, connect, createClient, QuorateError } from "quorate";
import { naming, textOf } from "../shared/naming.js";
import { selectBenchmarks } from "./benchmarks.js";
import { Benchmark } from "./gen/bench/v1/benchmark_quorate.js";
import { startLocalServers } from "./local-servers.js";
import { parseOptions, type RunOptions } from "./options.js";
import { configurationSize, quorumSize } from "./quorum-size.js";
import { formatTable, toJsonResult } from "./report.js";
import { type BenchmarkResult, runBenchmark } from "./run-benchmark.js";
import { serveBenchmark } from "./serve-benchmark.js";
import { listBenchmarks, usage } from "./usage.js";

const connectTimeoutMs = 10_000;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const command = parseOptions(args);
  switch (command.kind) {
    case "help":
      console.log(usage);
      return 0;
    case "list":
      console.log(listBenchmarks());
      return 0;
    case "refused":
      return refuse(command.reason);
    case "serve":
      return exitCodeOf("--server", () => serveBenchmark(command.address, command.recvBuffer));
    case "run":
      break;
  }
  return exitCodeOf("--remotes", () => run(command.options));
}

/** What the library calls an invalid argument can only be the addresses that were given with this option. */
async function exitCodeOf(option: string, work: () => Promise<void>): Promise<number> {
  try {
    await work();
    return 0;
  } catch (error) {
    if (error instanceof QuorateError && error.code === Code.InvalidArgument) {
      return refuse(`${option}: ${error.message}`);
    }
    console.error(textOf(error));
    return 1;
  }
}

function refuse(reason: string): number {
  console.error(`${reason}\n--help tells of the options.`);
  return 2;
}

async function run(options: RunOptions): Promise<void> {
  const { configSize, json, recvBuffer, remotes, sendBuffer, serverStats } = options;
  await using local = remotes.length === 0 ? await startLocalServers(configSize, recvBuffer) : undefined;
  const addresses = local?.addresses ?? remotes;
  const size = configurationSize(configSize, addresses.length);
  await using configuration = await connect({
    nodes: addresses.slice(0, size),
    ...(sendBuffer === 0 ? {} : { maxQueuedCalls: sendBuffer }),
  });
  await naming("the servers cannot all be reached", () =>
    createClient(Benchmark, configuration).quorumCall({}, { timeoutMs: connectTimeoutMs }).all(),
  );

  const settings = { ...options, quorumSize: quorumSize(options.quorumSize, size) };
  const results: BenchmarkResult[] = [];
  for (const benchmark of selectBenchmarks(options.benchmarks)) {
    const { name } = benchmark;
    console.error(`${name}: ${settings.warmupMs} ms of warm-up, ${settings.timeMs} ms measured`);
    results.push(await naming(`${name} failed`, () => runBenchmark(benchmark, configuration, settings)));
  }
  if (!json) return console.log(formatTable(results, { serverStats }));
  const { concurrent, maxAsync, payloadBytes, timeMs, warmupMs } = options;
  console.log(
    JSON.stringify({
      nodes: configuration.nodes.map(({ address }) => address),
      settings: {
        quorumSize: settings.quorumSize,
        timeMs,
        warmupMs,
        payloadBytes,
        concurrent,
        maxAsync,
        sendBuffer,
        recvBuffer,
      },
      results: results.map(toJsonResult),
    }),
  );
}
