import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { AcceptedStream } from "../../internal/transport/transport.js";
import type { PeerNode } from "../configuration/peer-node.js";
import { AcceptedPeer, type AcceptedPeerInit } from "./accepted-peer.js";
import type { Connection } from "./connection.js";
import type { Identification } from "./identification.js";
import type { Identity } from "./identify.js";
import { type PeerClaim, readClaim } from "./peer-identity.js";

/** What {@link AcceptedStreams} is made of. */
export interface AcceptedStreamsInit extends Pick<AcceptedPeerInit, "manager" | "settings" | "invoke"> {
  readonly ownId: number | undefined;
  readonly identification: Identification;
  /** Refused streams that are kept open, for peers that would only open them again (J-05). */
  readonly maxRefusedStreams: number;
  readonly onConnect: ((connection: Connection) => void) | undefined;
  /** A known peer has opened a stream. */
  readonly peerConnected: (id: number) => void;
  /** A stream has nothing queued, running or unanswered any longer. */
  readonly idle: () => void;
}

/** A stream that nobody has opened yet, and the how manieth it is. */
type Arriving = Pick<AcceptedPeerInit, "accepted" | "arrival">;

/** The streams that peers opened to one server. */
export class AcceptedStreams {
  readonly #init: AcceptedStreamsInit;
  readonly #open = new Set<AcceptedPeer>();
  #arrivals = 0;
  #closing: QuorateError | undefined;

  constructor(init: AcceptedStreamsInit) {
    this.#init = init;
  }

  /** The streams that are open now, or whose requests still run, in the order in which they came. */
  get peers(): AcceptedPeer[] {
    return [...this.#open];
  }

  /** Serves a stream, or refuses it, once it is known whose it is; until then nothing of it is read. */
  accept(accepted: AcceptedStream): void {
    const { identification, ownId: serverId } = this.#init;
    const arriving = { accepted, arrival: ++this.#arrivals };
    const { headers: metadata, remoteAddress, tls } = accepted;
    try {
      if (this.#closing !== undefined) throw this.#closing;
      const claim = readClaim(metadata, serverId);
      const peer = { claim, remoteAddress, metadata, tls, serverId };
      identification.decide(peer, accepted.gone, (decision) => {
        if (decision.kind === "admitted") this.#admit(arriving, claim, decision.identity);
        else if (decision.kind === "refused") this.#turnAway(arriving, decision.error);
        else accepted.stream.cancel({ code: Code.Canceled, message: "the peer is gone" });
      });
    } catch (error) {
      this.#turnAway(arriving, QuorateError.from(error, Code.Internal));
    }
  }

  /** From now on every new request is answered with this error, and every new stream refused. */
  refuseRequests(error: QuorateError): void {
    this.#closing = error;
    for (const peer of this.#open) peer.channel.stream.refuseRequests(error);
    this.#init.identification.refuseWaiting(error);
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

  #admit(arriving: Arriving, claim: PeerClaim, identity: Identity): void {
    let node: PeerNode | undefined;
    try {
      node = this.#init.manager.nodeFor(claim, arriving.accepted.remoteAddress);
    } catch (error) {
      this.#turnAway(arriving, QuorateError.from(error, Code.Internal));
      return;
    }
    this.#serve(arriving, node, identity);
  }

  #turnAway(arriving: Arriving, error: QuorateError): void {
    this.#refuse(this.#enter(arriving, undefined, {}), error);
  }

  #serve(arriving: Arriving, node: PeerNode | undefined, identity: Identity): void {
    const { manager, onConnect, peerConnected, settings } = this.#init;
    const { events } = settings;
    const other = node?.channel && [...this.#open].find((peer) => peer.channel === node.channel);
    const peer = this.#enter(arriving, node, identity);
    const overtaken = other !== undefined && other.arrival > peer.arrival;
    if (node !== undefined && !overtaken) {
      manager.attach(node, peer.channel);
      if (other !== undefined) this.#replace(node, other);
    }
    const { address } = peer;
    events.emit({ kind: "streamOpened", direction: "inbound", nodeId: node?.id, address });
    if (node !== undefined && overtaken) {
      this.#replace(node, peer);
      return;
    }
    if (onConnect !== undefined) events.guard("onConnect", () => onConnect(peer.connection));
    if (node !== undefined) peerConnected(node.id);
  }

  #enter(arriving: Arriving, node: PeerNode | undefined, identity: Identity): AcceptedPeer {
    const peer = new AcceptedPeer({
      ...this.#init,
      ...arriving,
      node,
      identity,
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
