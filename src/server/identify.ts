import type { ConnectionTls } from "../../internal/transport/transport.js";
import type { Metadata } from "../../internal/wire/metadata.js";
import type { PeerClaim } from "./peer-identity.js";

/** A stream that somebody has opened to a server, and of which nothing was read yet. */
export interface ArrivingPeer {
  /** What it says that it is. */
  readonly claim: PeerClaim;
  /** Where it comes from, as the transport says it. */
  readonly remoteAddress: string;
  /** The metadata of the stream. */
  readonly metadata: Metadata;
  /** Undefined if the stream is plain text. */
  readonly tls: ConnectionTls | undefined;
  /** The node id of the server that it has come to, if that has one. */
  readonly serverId: number | undefined;
}

/** Who a peer is. */
export interface Identity {
  /** The node id that it may have. A stream that claims another one, or one where none is given here, is refused. */
  readonly nodeId?: number | undefined;
  /** A name of it, for handlers. */
  readonly name?: string | undefined;
}

/**
 * Decides who a stream is of, before anything of it is read. The id that a stream claims is granted by returning it as
 * `nodeId`, and in no other way; streams that claim none are let in by returning anything.
 *
 * To refuse, throw a QuorateError: the peer gets its code and message. What else is thrown it gets as Internal, without
 * the text. The signal ends when the answer would come too late.
 */
export type Identify = (peer: ArrivingPeer, signal: AbortSignal) => Identity | Promise<Identity>;
