import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { AcceptedStream } from "../../internal/transport/transport.js";
import type { PeerNode } from "../configuration/node.js";
import { AcceptedPeer, type AcceptedPeerInit } from "./accepted-peer.js";
import type { Connection } from "./connection.js";
import { readClaim } from "./peer-identity.js";

/** What {@link AcceptedStreams} is made of. */
export interface AcceptedStreamsInit extends Pick<AcceptedPeerInit, "manager" | "settings" | "invoke"> {
  readonly ownId: number | undefined;
  /** Refused streams that are kept open, for peers that would only open them again (J-05). */
  readonly maxRefusedStreams: number;
  readonly onConnect: ((connection: Connection) => void) | undefined;
  /** A known peer has opened a stream. */
  readonly peerConnected: (id: number) => void;
  /** A stream has nothing queued, running or unanswered any longer. */
  readonly idle: () => void;
}

/** The streams that peers opened to one server. */
export class AcceptedStreams {
  readonly #init: AcceptedStreamsInit;
  readonly #open = new Set<AcceptedPeer>();
  #closing: QuorateError | undefined;

  constructor(init: AcceptedStreamsInit) {
    this.#init = init;
  }

  /** The streams that are open now, or whose requests still run, in the order in which they came. */
  get peers(): AcceptedPeer[] {
    return [...this.#open];
  }

  /** Serves a stream, or refuses it. */
  accept(accepted: AcceptedStream): void {
    const { manager, ownId } = this.#init;
    try {
      if (this.#closing !== undefined) throw this.#closing;
      const claim = readClaim(accepted.headers, ownId);
      this.#serve(accepted, manager.nodeFor(claim, accepted.remoteAddress));
    } catch (error) {
      this.#refuse(this.#enter(accepted, undefined), QuorateError.from(error, Code.Internal));
    }
  }

  /** From now on every new request is answered with this error. */
  refuseRequests(error: QuorateError): void {
    this.#closing = error;
    for (const peer of this.#open) peer.channel.stream.refuseRequests(error);
  }

  /** Whether no request of any stream is queued, running or unanswered. */
  get idle(): boolean {
    for (const peer of this.#open) if (!peer.channel.stream.idle) return false;
    return true;
  }

  /** Ends all streams with this error. */
  close(error: QuorateError): void {
    for (const peer of [...this.#open]) peer.close(error);
  }

  #serve(accepted: AcceptedStream, node: PeerNode | undefined): void {
    const { manager, onConnect, peerConnected, settings } = this.#init;
    const { events } = settings;
    const older = node?.channel && [...this.#open].find((peer) => peer.channel === node.channel);
    const peer = this.#enter(accepted, node);
    if (node !== undefined) manager.attach(node, peer.channel);
    if (node !== undefined && older !== undefined) this.#replace(node, older);
    events.emit({
      kind: "streamOpened",
      direction: "inbound",
      nodeId: node?.id,
      address: accepted.remoteAddress,
    });
    if (onConnect !== undefined) events.guard("onConnect", () => onConnect(peer.connection));
    if (node !== undefined) peerConnected(node.id);
  }

  #enter(accepted: AcceptedStream, node: PeerNode | undefined): AcceptedPeer {
    const peer = new AcceptedPeer({
      ...this.#init,
      accepted,
      node,
      malformed: (one, error) => this.#refuse(one, error),
      gone: (one) => {
        this.#open.delete(one);
        this.#init.idle();
      },
    });
    this.#open.add(peer);
    return peer;
  }

  /** The newest stream of a peer gets the calls. A Go client whose stream ended would open it again at once (J-05). */
  #replace(node: PeerNode, older: AcceptedPeer): void {
    const ended = older.features.offered;
    this.#init.settings.events.emit({
      kind: "streamReplaced",
      nodeId: node.id,
      address: older.address,
      ended,
    });
    if (!ended) return;
    const message = `quorate: a newer stream of node ${node.id} replaced this one`;
    older.close(new QuorateError(Code.AlreadyExists, message, { reason: "REPLACED" }));
  }

  /** Ends a stream with this error, or keeps it open and refuses its requests, whichever its peer understands. */
  #refuse(peer: AcceptedPeer, error: QuorateError): void {
    this.#init.settings.events.emit({ kind: "streamRefused", address: peer.address, error });
    if (peer.features.offered) peer.close(error);
    else this.#keepRefused(peer, error);
  }

  #keepRefused(peer: AcceptedPeer, error: QuorateError): void {
    const refused = [...this.#open].filter((other) => other.refused);
    const [oldest] = refused;
    if (oldest !== undefined && refused.length >= this.#init.maxRefusedStreams) {
      this.#init.settings.events.emit({ kind: "limitReached", limit: "refusedStreams", nodeId: undefined });
      oldest.close(error);
    }
    peer.refuse(error);
  }
}
