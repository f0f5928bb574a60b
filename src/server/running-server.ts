import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { ownOffer } from "../../internal/stream/features.js";
import { createLocalChannel, type LocalChannel } from "../../internal/stream/local-channel.js";
import type { ConnectionTls, Listener } from "../../internal/transport/transport.js";
import { outsideScopes } from "../../internal/util/async-scope.js";
import { deadlineAfter, scheduleDeadline } from "../../internal/util/deadlines.js";
import { Metadata } from "../../internal/wire/metadata.js";
import { checkTimeout } from "../calls/call-options.js";
import type { Configuration } from "../configuration/configuration.js";
import type { NodeAddress } from "../configuration/node-list.js";
import { NodePool } from "../configuration/node-pool.js";
import { NodeSet } from "../configuration/node-set.js";
import { PeerNode } from "../configuration/peer-node.js";
import type { EventHub } from "../configuration/quorate-event.js";
import { AcceptedStreams } from "./accepted-streams.js";
import type { WaitCondition, WaitOptions } from "./configuration-waiters.js";
import { openConnection } from "./connection.js";
import type { AttachedExtensions } from "./extension.js";
import type { StreamContext } from "./handler-context.js";
import { defaultIdentify, Identification } from "./identification.js";
import { InboundManager } from "./inbound-manager.js";
import { type Invoke, invoker, requestHandler } from "./invoke-handler.js";
import { nodeIdHeader } from "./peer-identity.js";
import type { PeerSettings } from "./peer-options.js";
import { streamHeaders } from "./prove.js";
import type { Routes } from "./router.js";
import type { Server, ServerOptions } from "./server.js";
import { nodeSnapshots, type ServerSnapshot, streamSnapshot } from "./snapshot.js";

/** What a server is made of once its options are checked and it listens. */
export interface RunningServerInit {
  readonly options: ServerOptions;
  readonly settings: PeerSettings;
  readonly routes: Routes;
  readonly extensions: AttachedExtensions;
  readonly known: readonly NodeAddress[];
  /** Which of `known` this server is. */
  readonly nodeId: number | undefined;
  readonly listener: Listener;
  readonly limits: {
    readonly maxDynamicClients: number;
    readonly maxRefusedStreams: number;
    readonly maxUnidentifiedStreams: number;
    readonly identifyTimeoutMs: number;
  };
}

/** How long a close waits, when all streams have ended, for their last bytes to leave, in milliseconds. */
const flushMs = 1_000;

/** The server that `createServer` makes. */
export class RunningServer implements Server {
  readonly #init: RunningServerInit;
  readonly #events: EventHub;
  readonly #invoke: Invoke;
  readonly #self: PeerNode | undefined;
  readonly #local: LocalChannel | undefined;
  readonly #manager: InboundManager;
  readonly #accepted: AcceptedStreams;
  readonly #pool: NodePool;
  readonly configuration: Configuration;
  #whenIdle: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(init: RunningServerInit) {
    this.#init = init;
    const { extensions, known, limits, listener, nodeId, options, routes, settings } = init;
    this.#events = settings.events;
    const { events, maskErrors, serverInterceptors: interceptors } = settings;
    this.#invoke = extensions.around(invoker({ routes, interceptors, events, maskErrors }));
    const own = known.find(({ id }) => id === nodeId);
    if (own !== undefined) {
      this.#self = new PeerNode(own.id, own.address, settings.calls);
      this.#local = this.#connectSelf(this.#self);
    }
    this.#manager = new InboundManager({
      known,
      self: this.#self,
      calls: settings.calls,
      maxDynamicClients: limits.maxDynamicClients,
      events: this.#events,
      onPeersChange: options.onPeersChange,
      onClientsChange: options.onClientsChange,
    });
    this.#pool = this.#connectPeers(known.filter((node) => node !== own));
    this.configuration = new NodeSet(
      this.#self === undefined ? this.#pool.nodes : [this.#self, ...this.#pool.nodes],
    );
    this.#accepted = new AcceptedStreams({
      ownId: nodeId,
      maxRefusedStreams: limits.maxRefusedStreams,
      identification: new Identification({
        identify: options.identify ?? defaultIdentify(settings.tls),
        timeoutMs: limits.identifyTimeoutMs,
        maxWaiting: limits.maxUnidentifiedStreams,
        events: this.#events,
      }),
      manager: this.#manager,
      settings,
      invoke: this.#invoke,
      onConnect: options.onConnect,
      peerConnected: (id) => this.#pool.connectNow(id),
      idle: () => this.#checkIdle(),
    });
    listener.accept((stream) => this.#accepted.accept(stream));
  }

  get address(): string {
    return this.#init.listener.address;
  }

  get peers(): Configuration {
    return this.#manager.peers;
  }

  get clients(): Configuration {
    return this.#manager.clients;
  }

  waitForPeers(sizeOrPredicate: WaitCondition, options?: WaitOptions): Promise<void> {
    const { defaultTimeoutMs } = this.#init.settings.calls;
    return this.#manager.peerWaiters.wait(sizeOrPredicate, defaultTimeoutMs, options);
  }

  waitForClients(sizeOrPredicate: WaitCondition, options?: WaitOptions): Promise<void> {
    const { defaultTimeoutMs } = this.#init.settings.calls;
    return this.#manager.clientWaiters.wait(sizeOrPredicate, defaultTimeoutMs, options);
  }

  snapshot(): ServerSnapshot {
    return {
      address: this.address,
      nodeId: this.#self?.id,
      peers: nodeSnapshots(this.peers),
      clients: nodeSnapshots(this.clients),
      configuration: nodeSnapshots(this.configuration),
      streams: this.#accepted.peers.map(streamSnapshot),
      counters: this.#events.counters,
    };
  }

  async close({ graceMs = 5_000 }: { readonly graceMs?: number } = {}): Promise<void> {
    const checkedMs = checkTimeout(graceMs, "graceMs");
    // What listens to the end of handlers and connections is not part of the work that happens to close it.
    this.#closed ??= outsideScopes(() => this.#close(checkedMs));
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(graceMs: number): Promise<void> {
    const { listener } = this.#init;
    const stopped = listener.stop();
    const closing = new QuorateError(Code.Unavailable, "quorate: the server is closing", {
      reason: "SERVER_CLOSING",
    });
    this.#accepted.refuseRequests(closing);
    this.#pool.refuseRequests(closing);
    this.#local?.accepted.stream.refuseRequests(closing);
    // Nobody can join any more, so a handler that waits for somebody must not hold the close up.
    this.#manager.close();
    this.#init.extensions.closing();
    await within(
      graceMs,
      new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
        this.#checkIdle();
      }),
    );
    this.#accepted.close(closing);
    this.#local?.close();
    await this.#pool.close();
    await within(flushMs, stopped);
    listener.destroy();
    await stopped;
    await this.#init.extensions.close();
  }

  /** The way to oneself: one queue, shared by `peers` and `configuration`. */
  #connectSelf(self: PeerNode): LocalChannel {
    const nodeId = self.id;
    const local = createLocalChannel({
      peer: self.toString(),
      limits: this.#init.settings.limits,
      handler: requestHandler(
        this.#invoke,
        this.#streamContext(self, Metadata.empty, () => self.channel?.stream),
      ),
      observer: {
        lateReply: ({ method }) => this.#events.emit({ kind: "lateReply", nodeId, method }),
        limitReached: (limit) => this.#events.emit({ kind: "limitReached", limit, nodeId }),
        malformed: () => {},
        halfClosed: () => {},
        idle: () => this.#checkIdle(),
        ended: () => {},
      },
    });
    self.channel = local.channel;
    return local;
  }

  #connectPeers(addresses: readonly NodeAddress[]): NodePool {
    const { settings, nodeId } = this.#init;
    const headers = ownOffer.join({ [nodeIdHeader]: String(nodeId) });
    return new NodePool({
      ...settings,
      addresses,
      headers: streamHeaders(headers, settings.prove),
      streamOpened: (node, tls) => {
        const stream = node.channel?.stream;
        const context = this.#streamContext(node, headers, () => stream, tls);
        this.#init.extensions.streamOpened(context);
        return { handler: requestHandler(this.#invoke, context), closed: () => context.connection.close() };
      },
      idle: () => this.#checkIdle(),
    });
  }

  #streamContext(caller: PeerNode, metadata: Metadata, stream: StreamContext["stream"], tls?: ConnectionTls) {
    return {
      connection: openConnection(caller.address, metadata, { nodeId: caller.id }, tls),
      caller,
      stream,
      peers: () => this.peers,
      clients: () => this.clients,
    } satisfies StreamContext;
  }

  #checkIdle(): void {
    if (this.#whenIdle === undefined) return;
    if (!this.#accepted.idle || !this.#pool.idle || this.#local?.accepted.stream.idle === false) return;
    this.#whenIdle();
    this.#whenIdle = undefined;
  }
}

/** Waits for the promise, but no longer than that. */
function within(timeoutMs: number, promise: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = scheduleDeadline(deadlineAfter(timeoutMs), resolve);
    promise.then(resolve, reject).finally(cancel);
  });
}
