import { invalidArgument } from "../../internal/errors/quorate-error.js";
import { ownOffer } from "../../internal/stream/features.js";
import { outsideScopes } from "../../internal/util/async-scope.js";
import { type NodeAddress, parseAddress } from "../configuration/node-list.js";
import { transportLimitFactor } from "../configuration/node-pool.js";
import { readNodeList } from "../configuration/node-register.js";
import { attachExtensions } from "./extension.js";
import { checkFunctions, count, interval, readPeerOptions } from "./peer-options.js";
import { collectRoutes } from "./router.js";
import { RunningServer } from "./running-server.js";
import type { Server, ServerOptions } from "./server.js";

/**
 * Creates a server and lets it listen. With `nodes` and `nodeId` it is a replica: it dials the others at once, and
 * for ever again, and does not wait for them.
 *
 * @throws QuorateError InvalidArgument that names the option; Unavailable, `LISTEN_FAILED`, with nothing left open.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const known = await readKnownNodes(options);
  const own = known.find(({ id }) => id === options.nodeId);
  const address = options.address ?? own?.address;
  if (address === undefined) {
    throw invalidArgument("a server needs an `address`, or `nodes` and its `nodeId`");
  }
  const bound = await bindServer(options, address);
  return bound.start(known, options.nodeId);
}

/** A server that listens and does not serve yet: streams that come are held. */
export interface BoundServer {
  readonly address: string;
  /** Lets it serve, as the node `nodeId` of `known`. */
  start(known: readonly NodeAddress[], nodeId: number | undefined): Server;
  /** Lets go of the address, in place of {@link start}. */
  abandon(): Promise<void>;
}

/** The first half of {@link createServer}: checks the options and listens, when the other nodes need not be known. */
export function bindServer(options: ServerOptions, address: string): Promise<BoundServer> {
  // Its streams, and the handlers that run on them, are not those of the work that happens to start it.
  return outsideScopes(bind, options, address);
}

async function bind(options: ServerOptions, address: string): Promise<BoundServer> {
  const settings = readPeerOptions(options, "server");
  const { identify, onClientsChange, onConnect, onPeersChange } = options;
  checkFunctions({ identify, onClientsChange, onConnect, onPeersChange });
  const keepaliveMs = interval("acceptedKeepaliveMs", options.acceptedKeepaliveMs, 20_000);
  const keepaliveTimeoutMs = interval("keepaliveTimeoutMs", options.keepaliveTimeoutMs, 10_000);
  const maxDynamicClients = count("maxDynamicClients", options.maxDynamicClients, 16_384);
  const maxRefusedStreams = count("maxRefusedStreams", options.maxRefusedStreams, 1_024);
  const identifyTimeoutMs = count("identifyTimeoutMs", options.identifyTimeoutMs, 10_000);
  const maxUnidentifiedStreams = count("maxUnidentifiedStreams", options.maxUnidentifiedStreams, 1_024);
  const limits = { maxDynamicClients, maxRefusedStreams, identifyTimeoutMs, maxUnidentifiedStreams };
  parseAddress(address, 0);
  const collected = await collectRoutes(options.routes);
  const { calls, events, maskErrors, serverInterceptors: interceptors } = settings;
  const extensions = await attachExtensions(options.extensions, collected, {
    role: "server",
    nodeId: options.nodeId,
    calls,
    interceptors,
    events,
    maskErrors,
  });
  const listening = settings.transport.listen(address, {
    maxReceiveBytes: transportLimitFactor * settings.limits.maxMessageBytes,
    keepaliveMs,
    keepaliveTimeoutMs,
    headers: ownOffer,
    tls: settings.tls,
  });
  const listener = await listening.catch(async (error: unknown) => {
    await extensions.close().catch(() => {});
    throw error;
  });
  return {
    address: listener.address,
    start: (known, nodeId) =>
      outsideScopes(
        () =>
          new RunningServer({
            options,
            settings,
            routes: collected.routes,
            extensions,
            known,
            nodeId,
            listener,
            limits,
          }),
      ),
    abandon: async () => {
      listener.destroy();
      await extensions.close();
    },
  };
}

async function readKnownNodes({ nodes, nodeId }: ServerOptions): Promise<NodeAddress[]> {
  if (nodes === undefined) {
    if (nodeId === undefined) return [];
    throw invalidArgument(`nodeId ${nodeId} needs \`nodes\`, the list that it belongs to`);
  }
  if (nodeId === undefined) throw invalidArgument("`nodes` needs `nodeId`: which of them this server is");
  const known = await readNodeList(nodes);
  if (!known.some(({ id }) => id === nodeId)) {
    throw invalidArgument(`nodeId ${nodeId} is not among the nodes ${known.map(({ id }) => id).join(", ")}`);
  }
  return known;
}
