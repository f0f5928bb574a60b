import { Code, type Connection, type Handlers, QuorateError } from "quorate";
import type { Benchmark } from "./gen/bench/v1/benchmark_quorate.js";
import { type MemoryUse, startHeapMeter } from "./heap-meter.js";
import { RunningStatistics, type Statistics } from "./statistics.js";
import { type WallClock, wallClock } from "./wall-clock.js";

/** How long the handler of SlowServer waits, in milliseconds. */
export const slowServerMs = 10;

/** The handlers of one server. Each client has measurements of its own, one at a time. */
export function benchmarkHandlers(clock: WallClock = wallClock): Handlers<typeof Benchmark> {
  const measurements = new Map<number, Measurement>();

  const start = ({ id, closed }: Connection) => {
    closed.throwIfAborted();
    measurements.get(id)?.end();
    const latencies = new RunningStatistics();
    const meter = startHeapMeter();
    const startedAt = performance.now();
    const end = (): Outcome => {
      closed.removeEventListener("abort", end);
      measurements.delete(id);
      return { latencies, elapsedMs: performance.now() - startedAt, memory: memoryMessage(meter.stop()) };
    };
    // A client that is gone never ends its measurement.
    closed.addEventListener("abort", end);
    measurements.set(id, { latencies, end });
  };

  const stop = ({ id }: Connection) => {
    const measurement = measurements.get(id);
    if (measurement !== undefined) return measurement.end();
    throw new QuorateError(Code.FailedPrecondition, "no measurement was started on this stream");
  };

  return {
    quorumCall: ({ payload }) => ({ payload }),
    slowServer: async ({ payload }, context) => {
      // Its wait is no work: the requests behind it need not wait for it as well.
      context.release();
      await waitFor(slowServerMs, context.signal);
      return { payload };
    },
    multicast: ({ sendTimeMs }, { connection }) => {
      measurements.get(connection.id)?.latencies.add(clock() - sendTimeMs);
    },
    startBenchmark: (_, { connection }) => {
      start(connection);
      return {};
    },
    stopBenchmark: (_, { connection }) => stop(connection).memory,
    startServerBenchmark: (_, { connection }) => {
      start(connection);
      return {};
    },
    stopServerBenchmark: (_, { connection }) => {
      const { latencies, elapsedMs, memory } = stop(connection);
      const { count, mean, squares } = latencies;
      return { count: BigInt(count), meanMs: mean, squares, elapsedMs, memory };
    },
  };
}

interface Measurement {
  readonly latencies: RunningStatistics;
  readonly end: () => Outcome;
}

interface Outcome {
  readonly latencies: Statistics;
  readonly elapsedMs: number;
  readonly memory: { readonly heapBytes: bigint; readonly collections: number };
}

function memoryMessage({ heapBytes, collections }: MemoryUse): Outcome["memory"] {
  return { heapBytes: BigInt(heapBytes), collections };
}

/** Waits no less than so long, unless the signal ends before. */
async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  const until = performance.now() + ms;
  // A timer counts from the beginning of the event loop's turn, so it can fire early.
  for (let left = ms; left > 0 && !signal.aborted; left = until - performance.now()) {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, Math.ceil(left));
      signal.addEventListener("abort", done);
    });
  }
}
