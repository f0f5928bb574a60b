import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { BackoffOptions } from "../../internal/stream/backoff.js";
import { OutboundChannel } from "../../internal/stream/outbound-channel.js";
import type { StreamLimits } from "../../internal/stream/peer-stream.js";
import type { RequestHandler } from "../../internal/stream/request-handler.js";
import type { SendQueueLimits } from "../../internal/stream/send-queue.js";
import type { TlsSettings } from "../../internal/transport/tls-options.js";
import type { ConnectionTls, DialledStream, Transport } from "../../internal/transport/transport.js";
import type { Metadata } from "../../internal/wire/metadata.js";
import type { NodeAddress } from "./node-list.js";
import { type CallSettings, PeerNode } from "./peer-node.js";
import type { EventHub } from "./quorate-event.js";

/** What a {@link NodePool} is made of. */
export interface NodePoolInit {
  readonly addresses: readonly NodeAddress[];
  readonly transport: Transport;
  /** TLS of every stream that is opened; undefined for plain text. */
  readonly tls: TlsSettings | undefined;
  /** Makes the metadata of a stream that is opened. What it throws fails the attempt. */
  readonly headers: StreamHeaders;
  readonly calls: CallSettings;
  readonly limits: StreamLimits & SendQueueLimits;
  readonly backoff: BackoffOptions;
  readonly connectTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly events: EventHub;
  /** A stream to the node is up: says what runs the requests that come on it, and learns of its end. */
  readonly streamOpened: (node: PeerNode, tls: ConnectionTls | undefined) => OpenedStream;
  /** No request of some node is queued, running or unanswered any longer. */
  readonly idle: () => void;
}

/** The metadata of one attempt to open a stream to a node; the signal ends with the attempt. */
export type StreamHeaders = (node: NodeAddress, signal: AbortSignal) => Metadata | Promise<Metadata>;

/** The owner's side of a stream that the pool opened. */
export interface OpenedStream {
  readonly handler: RequestHandler;
  closed(): void;
}

/** The transport's limit is this many times the message limit: in between a message fails its call alone. */
export const transportLimitFactor = 4;

/** The nodes that this process dials, and the one owner of their channels. */
export class NodePool {
  readonly #init: Omit<NodePoolInit, "addresses">;
  readonly #nodes = new Map<number, PeerNode>();
  readonly #channels = new Map<number, OutboundChannel>();
  #refusal: QuorateError | undefined;
  #closed = false;

  /** Begins to connect to every address. */
  constructor({ addresses, ...init }: NodePoolInit) {
    this.#init = init;
    this.open(addresses);
  }

  get nodes(): readonly PeerNode[] {
    return [...this.#nodes.values()];
  }

  /**
   * The nodes of these addresses. Begins to connect to those whose id is new.
   *
   * @throws QuorateError Unavailable, `CLOSED`.
   */
  open(addresses: readonly NodeAddress[]): PeerNode[] {
    if (this.#closed) {
      throw new QuorateError(Code.Unavailable, "quorate: the configuration is closed", { reason: "CLOSED" });
    }
    return addresses.map((address) => this.#nodes.get(address.id) ?? this.#dial(address));
  }

  /** Dials a node now that waits for its next attempt: there is a sign that it is back. */
  connectNow(id: number): void {
    this.#channels.get(id)?.connectNow();
  }

  /** Whether no request of any node is queued, running or unanswered. */
  get idle(): boolean {
    return [...this.#channels.values()].every((channel) => channel.stream?.idle ?? true);
  }

  /** From now on every new request of the nodes is answered with this error. */
  refuseRequests(error: QuorateError): void {
    this.#refusal = error;
    for (const channel of this.#channels.values()) channel.stream?.refuseRequests(error);
  }

  /** Closes all channels; see {@link OutboundChannel.close}. */
  async close(graceMs?: number): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#channels.values()].map((channel) => channel.close(graceMs)));
  }

  #dial({ id, address }: NodeAddress): PeerNode {
    const node = new PeerNode(id, address, this.#init.calls);
    const channel = this.#openChannel(node);
    node.channel = channel;
    this.#nodes.set(id, node);
    this.#channels.set(id, channel);
    channel.start();
    return node;
  }

  #openChannel(node: PeerNode): OutboundChannel {
    const init = this.#init;
    const { transport, headers, limits, keepaliveMs, events, tls } = init;
    const { id: nodeId, address } = node;
    const options = { maxReceiveBytes: transportLimitFactor * limits.maxMessageBytes, keepaliveMs, tls };
    let dialled: DialledStream | undefined;
    let opened: OpenedStream | undefined;
    const channel: OutboundChannel = new OutboundChannel({
      peer: `node ${nodeId} (${address})`,
      dial: async (signal) => {
        dialled = await transport.dial(address, await headers(node, signal), options, signal);
        return dialled;
      },
      limits,
      backoff: init.backoff,
      connectTimeoutMs: init.connectTimeoutMs,
      observer: {
        opened: () => {
          node.recordConnected();
          opened = init.streamOpened(node, dialled?.tls);
          if (this.#refusal !== undefined) channel.stream?.refuseRequests(this.#refusal);
          events.emit({ kind: "streamOpened", direction: "outbound", nodeId, address });
          return opened.handler;
        },
        ended: (error, droppedRequests) => {
          opened?.closed();
          events.emit({
            kind: "streamEnded",
            direction: "outbound",
            nodeId,
            address,
            error,
            droppedRequests,
          });
        },
        attemptFailed: (error, retryMs) =>
          events.emit({ kind: "connectFailed", nodeId, address, error, retryMs }),
        lateReply: ({ method }) => events.emit({ kind: "lateReply", nodeId, method }),
        idle: () => init.idle(),
        limitReached: (limit) => events.emit({ kind: "limitReached", limit, nodeId }),
      },
    });
    return channel;
  }
}
