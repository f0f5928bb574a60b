import type { Configuration, Handlers } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { benchmarkHandlers } from "../../../bench/storage/benchmark-handlers.js";
import { type BenchmarkKind, selectBenchmarks } from "../../../bench/storage/benchmarks.js";
import { Benchmark } from "../../../bench/storage/gen/bench/v1/benchmark_quorate.js";
import { runBenchmark } from "../../../bench/storage/run-benchmark.js";
import { standardDeviation } from "../../../bench/storage/statistics.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

type BenchmarkHandlers = Handlers<typeof Benchmark>;

const settings = { concurrent: 1, maxAsync: 10, payloadBytes: 16, quorumSize: 2, timeMs: 30, warmupMs: 10 };
const servers = 3;

function benchmark(name: string): BenchmarkKind {
  const [found] = selectBenchmarks(new RegExp(`^${name}$`));
  if (found === undefined) throw new Error(`there is no benchmark ${name}`);
  return found;
}

/** Three servers and what each of them was asked, in order. */
async function startServers(handlersOf: (id: number) => BenchmarkHandlers = () => benchmarkHandlers()) {
  const asked = new Map<number, string[]>();
  const cluster = await createLocalCluster(servers, {
    transport: "loopback",
    routes: (router, id) => {
      const log: string[] = [];
      asked.set(id, log);
      router.service(Benchmark, logged(handlersOf(id), log));
    },
  });
  const configuration: Configuration = await cluster.connect();
  return { asked, configuration, [Symbol.asyncDispose]: () => cluster.close() };
}

function logged(handlers: BenchmarkHandlers, log: string[]): BenchmarkHandlers {
  const entries = Object.entries(handlers).map(([name, handler]) => [
    name,
    (...args: unknown[]) => {
      log.push(name);
      return Reflect.apply(handler, handlers, args) as unknown;
    },
  ]);
  return Object.fromEntries(entries) as BenchmarkHandlers;
}

/** The calls in order, each row of equal ones as one. */
function phases(log: readonly string[] | undefined): string[] {
  return (log ?? []).filter((name, at) => name !== log?.[at - 1]);
}

describe("runBenchmark", () => {
  it.each([
    { name: "QuorumCall", call: "quorumCall" },
    { name: "AsyncQuorumCall", call: "quorumCall" },
    { name: "SlowServer", call: "slowServer" },
  ])(
    "[BM-09] tells every server the beginning and the end of $name, and gets the memory use of each",
    async ({ name, call }) => {
      await using started = await startServers();
      const { asked, configuration } = started;
      const result = await runBenchmark(benchmark(name), configuration, settings);
      for (const id of configuration.ids) {
        expect(phases(asked.get(id))).toEqual([call, "startBenchmark", call, "stopBenchmark"]);
      }
      expect(result.servers.map(({ node, address }) => ({ node, address }))).toEqual(
        configuration.nodes.map(({ id, address }) => ({ node: id, address })),
      );
      for (const { heapBytes } of [result.client, ...result.servers]) expect(heapBytes).toBeGreaterThan(0);
      expect(result).toMatchObject({ name, operations: result.latency.count });
      expect(result.perSecond).toBeGreaterThan(0);
      expect(result.latency.mean).toBeGreaterThan(0);
      const measured = asked.get(1)?.slice(asked.get(1)?.indexOf("startBenchmark"));
      expect(result.operations).toBe(measured?.filter((each) => each === call).length);
    },
  );

  it.each(["startBenchmark", "stopBenchmark"] as const)(
    "[BM-09] fails if one server does not answer %s, although the others are a quorum",
    async (name) => {
      const fail = () => {
        throw new Error("not this one");
      };
      await using started = await startServers((id) =>
        id === 2 ? { ...benchmarkHandlers(), [name]: fail } : benchmarkHandlers(),
      );
      const run = runBenchmark(benchmark("QuorumCall"), started.configuration, settings);
      await expect(run).rejects.toThrow("node 2: not this one");
    },
  );

  it("[BM-08] [BM-10] pools over the servers what each measured of a multicast", async () => {
    await using started = await startServers((id) => benchmarkHandlers(() => 1_000 + 20 * id));
    const { asked, configuration } = started;
    const multicast = benchmark("Multicast");
    const result = await runBenchmark(multicast, configuration, settings, () => 1_000);
    const counts = configuration.ids.map((id) => {
      expect(phases(asked.get(id))).toEqual([
        "multicast",
        "startServerBenchmark",
        "multicast",
        "stopServerBenchmark",
      ]);
      const log = asked.get(id) ?? [];
      return log.length - log.indexOf("startServerBenchmark") - 2;
    });
    // Each message came at all three, and took 20, 40 and 60 ms by their clocks.
    const { operations } = result;
    expect(operations).toBeGreaterThan(0);
    expect(counts).toEqual([operations, operations, operations]);
    expect(result.perSecond).toBeGreaterThan(0);
    expect(result.latency.count).toBe(3 * operations);
    expect(result.latency.mean).toBeCloseTo(40, 9);
    expect(standardDeviation(result.latency)).toBeCloseTo(
      Math.sqrt((800 * operations) / (3 * operations - 1)),
      9,
    );
    expect(result.servers).toHaveLength(servers);
    for (const { heapBytes } of result.servers) expect(heapBytes).toBeGreaterThan(0);
  });

  it.each(["QuorumCall", "Multicast"])(
    "[W-34] finds a rate of 0 where no call was measured: %s",
    async (name) => {
      await using started = await startServers();
      const { configuration } = started;
      const run = () => runBenchmark(benchmark(name), configuration, { ...settings, timeMs: 0 });
      const nothing = { operations: 0, perSecond: 0, latency: { count: 0, mean: 0, squares: 0 } };
      for (let time = 0; time < 2; time++) {
        const { latency, operations, perSecond } = await run();
        const { count, mean, squares } = latency;
        expect({ operations, perSecond, latency: { count, mean, squares } }).toEqual(nothing);
      }
    },
  );

  it("waits for as many replies as the quorum has", async () => {
    let slow = 0;
    await using started = await startServers((id) => {
      const handlers = benchmarkHandlers();
      const refuse = () => {
        slow += 1;
        throw new Error("broken");
      };
      return id === 3 ? { ...handlers, quorumCall: refuse } : handlers;
    });
    const { configuration } = started;
    const quorumCall = benchmark("QuorumCall");
    await runBenchmark(quorumCall, configuration, { ...settings, quorumSize: 2 });
    expect(slow).toBeGreaterThan(0);
    const run = runBenchmark(quorumCall, configuration, { ...settings, quorumSize: 3 });
    await expect(run).rejects.toThrow("node 3: broken");
  });

  it.each(["QuorumCall", "SlowServer", "Multicast"])(
    "sends as many bytes as it was asked to: %s",
    async (name) => {
      const lengths = new Set<number>();
      const handlers = benchmarkHandlers();
      const note = <Request extends { readonly payload: Uint8Array }, Context, Reply>(
        handler: (request: Request, context: Context) => Reply,
      ) => {
        return (request: Request, context: Context) => {
          lengths.add(request.payload.length);
          return handler(request, context);
        };
      };
      const { multicast, quorumCall, slowServer } = handlers;
      const noting = {
        multicast: note(multicast),
        quorumCall: note(quorumCall),
        slowServer: note(slowServer),
      };
      await using started = await startServers(() => ({ ...handlers, ...noting }));
      await runBenchmark(benchmark(name), started.configuration, { ...settings, payloadBytes: 1_234 });
      expect([...lengths]).toEqual([1_234]);
    },
  );
});
