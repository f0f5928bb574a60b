import { Code } from "../../internal/errors/code.js";
import type { QuorateError } from "../../internal/errors/quorate-error.js";
import { type PeerFeatures, readFeatures } from "../../internal/stream/features.js";
import { StreamChannel } from "../../internal/stream/stream-channel.js";
import { streamEndError } from "../../internal/stream/stream-failure.js";
import type { AcceptedStream } from "../../internal/transport/transport.js";
import type { PeerNode } from "../configuration/peer-node.js";
import { type Connection, type OpenConnection, openConnection } from "./connection.js";
import type { Identity } from "./identify.js";
import type { InboundManager } from "./inbound-manager.js";
import { type Invoke, requestHandler } from "./invoke-handler.js";
import type { PeerSettings } from "./peer-options.js";

/** What an {@link AcceptedPeer} is made of. */
export interface AcceptedPeerInit {
  readonly accepted: AcceptedStream;
  /** Whom the stream stands for; undefined if it is served without being tracked. */
  readonly node: PeerNode | undefined;
  readonly identity: Identity;
  /** Streams are numbered as they come; who they are is known in another order. */
  readonly arrival: number;
  readonly manager: InboundManager;
  readonly settings: PeerSettings;
  readonly invoke: Invoke;
  /** Nothing of the peer is queued, running or unanswered. */
  readonly idle: () => void;
  /** The stream cannot be read any further; see {@link AcceptedPeer.refuse}. */
  readonly malformed: (peer: AcceptedPeer, error: QuorateError) => void;
  /** The stream is over, and so are its requests. */
  readonly gone: (peer: AcceptedPeer) => void;
}

/** One stream that a peer opened, from its accepting to its end. */
export class AcceptedPeer {
  readonly channel: StreamChannel;
  readonly node: PeerNode | undefined;
  readonly features: PeerFeatures;
  readonly #init: AcceptedPeerInit;
  readonly #connection: OpenConnection;
  #refused = false;
  #halfClosed = false;
  #over = false;

  constructor(init: AcceptedPeerInit) {
    const { accepted, node, manager, settings, invoke } = init;
    this.#init = init;
    this.node = node;
    this.features = readFeatures(accepted.headers);
    this.#connection = openConnection(accepted.remoteAddress, accepted.headers, init.identity, accepted.tls);
    this.channel = new StreamChannel({
      stream: accepted.stream,
      side: "accepting",
      callable: node !== undefined,
      features: this.features,
      peer: node?.toString() ?? accepted.remoteAddress,
      limits: settings.limits,
      handler: requestHandler(invoke, {
        connection: this.#connection,
        caller: node,
        stream: () => this.channel.stream,
        peers: () => manager.peers,
        clients: () => manager.clients,
      }),
      observer: {
        lateReply: ({ method }) => settings.events.emit({ kind: "lateReply", nodeId: node?.id, method }),
        limitReached: (limit) => settings.events.emit({ kind: "limitReached", limit, nodeId: node?.id }),
        malformed: (error) => init.malformed(this, error),
        halfClosed: () => this.#peerHalfClosed(),
        idle: () => this.#idle(),
        ended: (status, _, dropped) => this.#ended(streamEndError(status), dropped),
      },
    });
  }

  get connection(): Connection {
    return this.#connection;
  }

  get arrival(): number {
    return this.#init.arrival;
  }

  get address(): string {
    return this.#connection.remoteAddress;
  }

  /** Whether every request is answered with an error. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Leaves the configurations, and has every request answered with this error. */
  refuse(error: QuorateError): void {
    this.#refused = true;
    this.channel.stream.refuseRequests(error);
    this.#detach();
  }

  /**
   * Ends the stream with this error, and what it left running. Logically at once: a peer that does not read learns of
   * it late or never, and must hold nothing here (J-24).
   */
  close(error: QuorateError): void {
    this.channel.cancel({ code: error.code, message: error.message });
    this.channel.stream.endRequests(error);
  }

  #peerHalfClosed(): void {
    this.#halfClosed = true;
    // It is closing and answers no more calls, while what it sent before may run for long.
    this.#detach();
    // A peer that can cancel half-closes when it waits for nothing but this end, which tells it that all was read. Any
    // other may wait for replies.
    if (this.features.cancel) this.#endInOrder();
    else this.#idle();
  }

  #idle(): void {
    if (!this.channel.stream.idle) return;
    if (this.#over) this.#init.gone(this);
    else if (this.#halfClosed) this.#endInOrder();
    this.#init.idle();
  }

  #endInOrder(): void {
    this.channel.close({ code: Code.Ok, message: "" });
  }

  #ended(error: QuorateError | undefined, droppedRequests: number): void {
    this.#over = true;
    this.#connection.close();
    this.#detach();
    this.#init.settings.events.emit({
      kind: "streamEnded",
      direction: "inbound",
      nodeId: this.node?.id,
      address: this.address,
      error,
      droppedRequests,
    });
    // A peer that half-closed may have left requests that still run.
    if (this.channel.stream.requests === 0) this.#init.gone(this);
  }

  #detach(): void {
    if (this.node !== undefined) this.#init.manager.detach(this.node, this.channel);
  }
}
