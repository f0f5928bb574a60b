import { ownOffer } from "../internal/stream/features.js";
import { checkStreamHeaders } from "../internal/transport/stream-headers.js";
import { outsideScopes } from "../internal/util/async-scope.js";
import { Metadata, type MetadataInit } from "../internal/wire/metadata.js";
import { checkTimeout } from "./calls/call-options.js";
import type { Configuration, OwnedConfiguration } from "./configuration/configuration.js";
import type { NodeList } from "./configuration/node-list.js";
import { NodePool } from "./configuration/node-pool.js";
import { NodeRegister } from "./configuration/node-register.js";
import { emptyConfiguration, NodeSet } from "./configuration/node-set.js";
import { openConnection } from "./server/connection.js";
import { type AttachedExtensions, attachExtensions } from "./server/extension.js";
import { invoker, requestHandler } from "./server/invoke-handler.js";
import { nodeIdHeader } from "./server/peer-identity.js";
import { type PeerOptions, readPeerOptions } from "./server/peer-options.js";
import { streamHeaders } from "./server/prove.js";
import { collectRoutes } from "./server/router.js";

/** The options of {@link connect}, beside those that it shares with `createServer`. */
export interface ConnectOptions extends PeerOptions {
  /** The servers to connect to. */
  readonly nodes: NodeList;
  /** Metadata of every stream, for the servers' `connection.metadata`; sent as HTTP/2 headers. */
  readonly metadata?: MetadataInit;
}

/**
 * Connects to servers. Resolves once the node list is valid and dialling has begun, and never rejects for a server
 * that cannot be reached: each is dialled until it is there, and dialled again whenever it was lost.
 *
 * With `routes` or `extensions` the servers can call back on the streams that this opens.
 *
 * @throws QuorateError InvalidArgument that names the entry of the list or the option.
 */
export function connect(options: ConnectOptions): Promise<OwnedConfiguration> {
  // Its streams, and the handlers that run on them, are not those of the work that happens to connect.
  return outsideScopes(connectServers, options);
}

async function connectServers(options: ConnectOptions): Promise<OwnedConfiguration> {
  const settings = readPeerOptions(options, "client");
  const metadata = checkStreamHeaders(Metadata.from(options.metadata));
  const register = new NodeRegister();
  const addresses = await register.admit(options.nodes);
  const collected = await collectRoutes(options.routes);
  const { calls, events, maskErrors, serverInterceptors: interceptors } = settings;
  const extensions = await attachExtensions(options.extensions, collected, {
    role: "client",
    nodeId: undefined,
    calls,
    interceptors,
    events,
    maskErrors,
  });
  const invoke = extensions.around(invoker({ routes: collected.routes, interceptors, events, maskErrors }));
  // Ours first: of a header that is given twice, peers read the first value.
  const headers = ownOffer.join(isCallable(options) ? { [nodeIdHeader]: "0" } : {}).join(metadata);
  const pool = new NodePool({
    ...settings,
    addresses,
    headers: streamHeaders(headers, settings.prove),
    streamOpened: (caller, tls) => {
      const connection = openConnection(caller.address, headers, { nodeId: caller.id }, tls);
      const stream = caller.channel?.stream;
      const context = {
        connection,
        caller,
        stream: () => stream,
        peers: () => configuration,
        clients: () => emptyConfiguration,
      };
      extensions.streamOpened(context);
      return { handler: requestHandler(invoke, context), closed: () => connection.close() };
    },
    idle: () => {},
  });
  const configuration = new OwnedNodeSet(pool, register, extensions);
  return configuration;
}

/** Whether servers can call back. */
function isCallable({ routes, extensions = [] }: ConnectOptions): boolean {
  return routes !== undefined || extensions.length > 0;
}

class OwnedNodeSet extends NodeSet implements OwnedConfiguration {
  readonly #pool: NodePool;
  readonly #register: NodeRegister;
  readonly #extensions: AttachedExtensions;
  #closed: Promise<void> | undefined;

  constructor(pool: NodePool, register: NodeRegister, extensions: AttachedExtensions) {
    super(pool.nodes);
    this.#pool = pool;
    this.#register = register;
    this.#extensions = extensions;
  }

  async extend(nodes?: NodeList): Promise<Configuration> {
    // A closed one says so before it looks anything up.
    this.#pool.open([]);
    const added = nodes === undefined ? [] : await this.#register.admit(nodes);
    return this.add(...outsideScopes(() => this.#pool.open(added)));
  }

  async close({ graceMs }: { readonly graceMs?: number } = {}): Promise<void> {
    const checkedMs = graceMs === undefined ? undefined : checkTimeout(graceMs, "graceMs");
    // What listens to the end of handlers and connections is not part of the work that happens to close it.
    this.#closed ??= outsideScopes(() => this.#close(checkedMs));
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(graceMs: number | undefined): Promise<void> {
    this.#extensions.closing();
    await this.#pool.close(graceMs);
    await this.#extensions.close();
  }
}
