import { fileURLToPath } from "node:url";
import { type Configuration, connect, createClient } from "quorate";
import { startServerProcess } from "../shared/server-process.js";
import { type CallLoad, callSubjects } from "./call-subjects.js";
import { type CostRow, compareCosts, type RoundSettings } from "./compare-costs.js";
import { Echo } from "./gen/bench/context/v1/echo_quorate.js";

/** Calls to one server, so many at the same time. */
export function rpcCosts(
  window: number,
): (settings: RoundSettings, signal: AbortSignal) => Promise<CostRow[]> {
  return async (settings, signal) => {
    await using server = await startServer(settings, signal);
    await using configuration = await connect({ nodes: [server.address] });
    const [node] = configuration.nodes;
    if (node === undefined) throw new Error("there is no node");
    const client: CallLoad["client"] = (interceptors) => {
      const { one } = createClient(Echo, node, { interceptors });
      return () => one({ payload });
    };
    return await measureCalls(configuration, { client, nodes: 1, window }, settings, signal);
  };
}

/** Calls to three servers that wait for the majority, so many at the same time. */
export function quorumCosts(
  window: number,
): (settings: RoundSettings, signal: AbortSignal) => Promise<CostRow[]> {
  return async (settings, signal) => {
    await using first = await startServer(settings, signal);
    await using second = await startServer(settings, signal);
    await using third = await startServer(settings, signal);
    const nodes = [first, second, third].map(({ address }) => address);
    await using configuration = await connect({ nodes });
    const client: CallLoad["client"] = (interceptors) => {
      const { quorum } = createClient(Echo, configuration, { interceptors });
      return () => quorum({ payload }).majority();
    };
    return await measureCalls(configuration, { client, nodes: nodes.length, window }, settings, signal);
  };
}

const payload = new Uint8Array(16).fill(0x5a);

/** Measures calls to these nodes. Rejects if one of them cannot be reached, or any longer. */
export async function measureCalls(
  configuration: Configuration,
  load: CallLoad,
  settings: RoundSettings,
  signal: AbortSignal,
): Promise<CostRow[]> {
  await createClient(Echo, configuration).quorum({}, { timeoutMs: connectTimeoutMs }).all();
  const rows = await compareCosts(callSubjects(load), settings, signal);
  // A majority would go on without it, and cost less.
  for (const node of configuration.nodes) {
    if (!node.connected) throw new Error(`the server of ${node} is gone`);
  }
  return rows;
}

const connectTimeoutMs = 10_000;

function startServer({ rounds, timeMs, warmupMs }: RoundSettings, signal: AbortSignal) {
  const program = fileURLToPath(new URL("serve-echo.js", import.meta.url));
  // Far more than it takes: only a server whose benchmark forgot it lives so long.
  const lifeMs = 20 * (rounds * timeMs + warmupMs) + 120_000;
  return startServerProcess(program, [`${lifeMs}`], signal);
}
