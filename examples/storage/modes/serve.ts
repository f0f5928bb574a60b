import { createServer } from "quorate";
import { createInterceptors, type ServerInterceptorName } from "../interceptors/parse-interceptors.js";
import { untilAborted } from "../process/listen-for-end.js";
import { peerConfig } from "../repl/addresses.js";
import { createRegister } from "../service/register.js";
import { storageRoutes } from "../service/storage-routes.js";

/** How {@link serve} runs a server. */
export interface ServeOptions {
  /** Its own address. */
  readonly address: string;
  /** The addresses of all servers, its own included, in any order. */
  readonly addresses: readonly string[];
  readonly interceptors: readonly ServerInterceptorName[];
  /** How long it waits for all others to connect. */
  readonly waitMs: number;
  readonly log: (line: string) => void;
  /** All servers are connected. */
  readonly onStarted?: () => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Runs one server of several until the signal. Throws if the others do not connect in time. */
export async function serve(options: ServeOptions): Promise<void> {
  const { address, addresses, interceptors, waitMs, log, onStarted, signal } = options;
  const { nodeId, nodes } = peerConfig(address, addresses);
  await using server = await createServer({
    nodeId,
    nodes,
    routes: storageRoutes(createRegister(), nodeId, nodes.length),
    serverInterceptors: createInterceptors(interceptors, (line) => log(`node ${nodeId}: ${line}`)),
  });
  try {
    await server.waitForPeers(nodes.length, { timeoutMs: waitMs, signal });
  } catch (cause) {
    if (signal.aborted) return;
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`peers did not connect in time: ${text}`, { cause });
  }
  log(`Started storage server ${nodeId} on ${server.address}`);
  onStarted?.();
  await untilAborted(signal);
}
