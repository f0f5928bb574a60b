import { awaitCosts } from "./await-costs.js";
import { quorumCosts, rpcCosts } from "./call-costs.js";
import type { CostRow, RoundSettings } from "./compare-costs.js";
import { sessionCosts } from "./session-costs.js";
import { sortCosts } from "./sort-costs.js";

/** A benchmark: costs that are compared with each other. */
export interface Benchmark {
  readonly name: string;
  readonly description: string;
  /** The signal ends it, with all that belongs to it. */
  readonly run: (settings: RoundSettings, signal: AbortSignal) => Promise<CostRow[]>;
}

/** All benchmarks, in the order in which they are run. */
export const benchmarks: readonly Benchmark[] = [
  { name: "rpc1", description: "calls to one server, one after the other", run: rpcCosts(1) },
  { name: "rpc16", description: "calls to one server, 16 under way", run: rpcCosts(16) },
  { name: "rpc256", description: "calls to one server, 256 under way", run: rpcCosts(256) },
  {
    name: "quorum16",
    description: "calls to three servers that wait for the majority, 16 under way",
    run: quorumCosts(16),
  },
  { name: "sort", description: "sorting 3, 31 and 1,000 nodes that the session knows", run: sortCosts },
  {
    name: "session",
    description: "beginning and ending a session; forking one that knows 0, 100 and 1,024 peers",
    run: sessionCosts,
  },
  {
    name: "await",
    description: "awaiting an async function, with an AsyncLocalStorage of Node",
    run: awaitCosts,
  },
];

/** The names of all. */
export const benchmarkNames: readonly string[] = benchmarks.map(({ name }) => name);
