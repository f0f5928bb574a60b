import type { QuorateError } from "../../internal/errors/quorate-error.js";
import type { BackoffOptions } from "../../internal/stream/backoff.js";
import { OutboundChannel } from "../../internal/stream/outbound-channel.js";
import type { StreamLimits } from "../../internal/stream/peer-stream.js";
import type { RequestHandler } from "../../internal/stream/request-handler.js";
import type { SendQueueLimits } from "../../internal/stream/send-queue.js";
import type { Transport } from "../../internal/transport/transport.js";
import type { Metadata } from "../../internal/wire/metadata.js";
import { type CallSettings, PeerNode } from "./node.js";
import type { NodeAddress } from "./node-list.js";
import type { EventHub } from "./quorate-event.js";

/** What a {@link NodePool} is made of. */
export interface NodePoolInit {
  readonly addresses: readonly NodeAddress[];
  readonly transport: Transport;
  /** The metadata of every stream that is opened. */
  readonly headers: Metadata;
  readonly calls: CallSettings;
  readonly limits: StreamLimits & SendQueueLimits;
  readonly backoff: BackoffOptions;
  readonly connectTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly events: EventHub;
  /** A stream to the node is up: says what runs the requests that come on it, and learns of its end. */
  readonly streamOpened: (node: PeerNode) => OpenedStream;
  /** No request of some node is queued, running or unanswered any longer. */
  readonly idle: () => void;
}

/** The owner's side of a stream that the pool opened. */
export interface OpenedStream {
  readonly handler: RequestHandler;
  closed(): void;
}

/** The transport's limit is this many times the message limit: in between a message fails its call alone. */
export const transportLimitFactor = 4;

/** The nodes that this process dials, and the one owner of their channels. */
export class NodePool {
  readonly nodes: readonly PeerNode[];
  readonly #channels = new Map<number, OutboundChannel>();
  #refusal: QuorateError | undefined;

  /** Begins to connect to every address. */
  constructor(init: NodePoolInit) {
    this.nodes = init.addresses.map(({ id, address }) => {
      const node = new PeerNode(id, address, init.calls);
      const channel = this.#openChannel(node, init);
      node.channel = channel;
      this.#channels.set(id, channel);
      channel.start();
      return node;
    });
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
    await Promise.all([...this.#channels.values()].map((channel) => channel.close(graceMs)));
  }

  #openChannel(node: PeerNode, init: NodePoolInit): OutboundChannel {
    const { transport, headers, limits, keepaliveMs, events } = init;
    const { id: nodeId, address } = node;
    const options = { maxReceiveBytes: transportLimitFactor * limits.maxMessageBytes, keepaliveMs };
    let opened: OpenedStream | undefined;
    const channel: OutboundChannel = new OutboundChannel({
      peer: `node ${nodeId} (${address})`,
      dial: (signal) => transport.dial(address, headers, options, signal),
      limits,
      backoff: init.backoff,
      connectTimeoutMs: init.connectTimeoutMs,
      observer: {
        opened: () => {
          opened = init.streamOpened(node);
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
