import type { Client, Configuration } from "quorate";
import { slowServerMs } from "./benchmark-handlers.js";
import type { Benchmark } from "./gen/bench/v1/benchmark_quorate.js";
import type { WallClock } from "./wall-clock.js";

/** How the calls of a measurement are made. */
export interface LoadSettings {
  /** Replies that a quorum call waits for. */
  readonly quorumSize: number;
  /** Bytes of the payload of each message. */
  readonly payloadBytes: number;
  /** Calls that are under way at the same time. */
  readonly concurrent: number;
  /** The same, of the benchmark that starts calls without waiting for the ones before. */
  readonly maxAsync: number;
}

/** One of the benchmarks. */
export interface BenchmarkKind {
  readonly name: string;
  readonly description: string;
  /** Who sees when a call has ended: the client by its reply, or each server by its arrival. */
  readonly measuredBy: "client" | "servers";
  /** How many calls are under way at the same time. */
  readonly lanes: (settings: LoadSettings) => number;
  /** Makes what makes one call. */
  readonly prepare: (
    client: Client<typeof Benchmark, Configuration>,
    settings: LoadSettings,
    clock: WallClock,
  ) => () => Promise<unknown>;
}

const quorumCall: BenchmarkKind = {
  name: "QuorumCall",
  description: "Quorum calls, each after the one before",
  measuredBy: "client",
  lanes: ({ concurrent }) => concurrent,
  prepare: (client, { payloadBytes, quorumSize }) => {
    const payload = new Uint8Array(payloadBytes);
    return () => client.quorumCall({ payload }).threshold(quorumSize);
  },
};

/** All that there are. */
export const benchmarks: readonly BenchmarkKind[] = [
  quorumCall,
  {
    ...quorumCall,
    name: "AsyncQuorumCall",
    description: "Quorum calls, up to --max-async started without waiting for the ones before",
    lanes: ({ maxAsync }) => maxAsync,
  },
  {
    name: "SlowServer",
    description: `Quorum calls to servers that take ${slowServerMs} ms for each`,
    measuredBy: "client",
    lanes: ({ concurrent }) => concurrent,
    prepare: (client, { payloadBytes, quorumSize }) => {
      const payload = new Uint8Array(payloadBytes);
      return () => client.slowServer({ payload }).threshold(quorumSize);
    },
  },
  {
    name: "Multicast",
    description: "One-way messages to all servers, which measure how long they were under way",
    measuredBy: "servers",
    lanes: ({ concurrent }) => concurrent,
    prepare: (client, { payloadBytes }, clock) => {
      const payload = new Uint8Array(payloadBytes);
      return () => client.multicast({ sendTimeMs: clock(), payload });
    },
  },
];

/** Those whose names match, sorted by name. */
export function selectBenchmarks(pattern: RegExp): BenchmarkKind[] {
  return benchmarks.filter(({ name }) => pattern.test(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
}
