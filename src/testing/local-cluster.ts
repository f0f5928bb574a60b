import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import { grpcTransport } from "../../internal/transport/grpc-transport.js";
import { createMemoryTransport, type MemoryTransport } from "../../internal/transport/memory-transport.js";
import type { OwnedConfiguration } from "../configuration/configuration.js";
import { readNodeList } from "../configuration/node-register.js";
import { type ConnectOptions, connect } from "../connect.js";
import { type BoundServer, bindServer, createServer } from "../server/create-server.js";
import type { Extension } from "../server/extension.js";
import type { Router } from "../server/router.js";
import type { Server, ServerOptions } from "../server/server.js";

/** The options of {@link createLocalCluster}: those of each server, and where they are. */
export interface LocalClusterOptions
  extends Omit<ServerOptions, "address" | "extensions" | "nodeId" | "nodes" | "routes" | "transport"> {
  /** What server `nodeId` serves. */
  readonly routes?: (router: Router, nodeId: number) => unknown;
  /** What is added to server `nodeId`: asked at its start and at each restart, since extensions belong to one server. */
  readonly extensions?: (nodeId: number) => readonly Extension[];
  /** `memory` (the default): within the process. `loopback`: real gRPC on 127.0.0.1, on ports that the system chooses. */
  readonly transport?: "memory" | "loopback";
}

/** The servers of one symmetric configuration, all in this process. */
export interface LocalCluster extends AsyncDisposable {
  /** The servers 1 to n, in this order. A server that was restarted is a new object here. */
  readonly servers: readonly Server[];
  /** The addresses by id, for `connect` and `createServer`. */
  readonly nodes: { readonly [id: number]: string };
  /** The network of a cluster in memory, for faults. Throws FailedPrecondition on loopback. */
  readonly network: MemoryTransport;
  /** Connects a client to all servers; it is closed with the cluster. */
  connect(options?: Omit<ConnectOptions, "nodes" | "transport">): Promise<OwnedConfiguration>;
  /** Starts a server again, on the same address, that was closed. */
  restart(nodeId: number): Promise<Server>;
  /** Closes the clients, then the servers. */
  close(): Promise<void>;
}

/**
 * Starts `size` servers that are replicas of each other, and waits until each sees all. For tests.
 *
 * @throws QuorateError InvalidArgument for a size below 1; DeadlineExceeded if they do not find each other in 10 s.
 */
export async function createLocalCluster(
  size: number,
  options: LocalClusterOptions = {},
): Promise<LocalCluster> {
  if (!Number.isInteger(size) || size < 1)
    throw invalidArgument(`a cluster has 1 server or more, not ${size}`);
  const network = options.transport === "loopback" ? undefined : createMemoryTransport();
  const transport = network ?? grpcTransport;
  const serverOptions = (nodeId: number): ServerOptions => {
    const { extensions, routes, ...rest } = options;
    return {
      ...rest,
      nodeId,
      transport,
      extensions: extensions?.(nodeId) ?? [],
      routes: (router) => routes?.(router, nodeId),
    };
  };
  const ids = Array.from({ length: size }, (_, at) => at + 1);
  const bound = await allBound(ids.map((id) => bindServer(serverOptions(id), "127.0.0.1:0")));
  const nodes: Record<number, string> = {};
  for (const [at, { address }] of bound.entries()) nodes[at + 1] = address;
  const known = await readNodeList(nodes);
  const servers = bound.map((server, at) => server.start(known, at + 1));
  const clients: OwnedConfiguration[] = [];
  const close = async () => {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(servers.map((server) => server.close()));
  };
  try {
    await Promise.all(servers.map((server) => server.waitForPeers(size, { timeoutMs: 10_000 })));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    servers,
    nodes,
    get network(): MemoryTransport {
      if (network !== undefined) return network;
      const message = "quorate: a cluster on loopback has no network to break; use a cluster in memory";
      throw new QuorateError(Code.FailedPrecondition, message);
    },
    connect: async (connectOptions = {}) => {
      const client = await connect({ ...connectOptions, nodes, transport });
      clients.push(client);
      return client;
    },
    restart: async (nodeId) => {
      const address = nodes[nodeId];
      if (address === undefined) throw invalidArgument(`the cluster has no server ${nodeId}`);
      const server = await createServer({ ...serverOptions(nodeId), nodes });
      servers[nodeId - 1] = server;
      return server;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** All of them or none: if one cannot listen, the others let go of their addresses. */
async function allBound(binding: readonly Promise<BoundServer>[]): Promise<BoundServer[]> {
  const results = await Promise.allSettled(binding);
  const bound = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return bound;
  await Promise.all(bound.map((server) => server.abandon()));
  throw failed.reason;
}
