import type { ServerTlsOptions } from "../../internal/transport/tls-options.js";
import type { Configuration } from "../configuration/configuration.js";
import type { NodeList } from "../configuration/node-list.js";
import type { WaitCondition, WaitOptions } from "./configuration-waiters.js";
import type { Connection } from "./connection.js";
import type { Identify } from "./identify.js";
import type { PeerOptions } from "./peer-options.js";
import type { ServerSnapshot } from "./snapshot.js";

/** The options of {@link createServer}, beside those that it shares with `connect`. */
export interface ServerOptions extends PeerOptions {
  /** Where to listen, `host:port`; port 0 lets the system choose. Default: the entry of `nodeId` in `nodes`. */
  readonly address?: string;
  /** Who this server is among `nodes`. */
  readonly nodeId?: number;
  /** All nodes of the symmetric configuration, this server included. It dials the others and is dialled by them. */
  readonly nodes?: NodeList;
  /**
   * TLS of the streams that peers open, and of those that this server opens; default none. Bad ones are refused with
   * InvalidArgument, without a word of what they hold.
   */
  readonly tls?: ServerTlsOptions;
  /**
   * Decides who may be which node. Default: `certificateIdentity()` if `tls.clientCertificates` asks for certificates,
   * else `trustClaims()`, which believes everybody.
   */
  readonly identify?: Identify;
  /** How long `identify` may take for a stream, in milliseconds; default 10,000. Then the stream is refused. */
  readonly identifyTimeoutMs?: number;
  /** Streams that wait for `identify` at the same time; default 1,024. Beyond it a stream is refused. */
  readonly maxUnidentifiedStreams?: number;
  /** Dynamic clients at the same time; default 16,384. Beyond it a stream is refused. */
  readonly maxDynamicClients?: number;
  /**
   * Refused streams that are kept open at the same time, for peers that would open them again at once; default 1,024.
   * Beyond it the oldest is ended.
   */
  readonly maxRefusedStreams?: number;
  /** Milliseconds between pings on the streams that peers opened; default 20,000, Infinity for none. */
  readonly acceptedKeepaliveMs?: number;
  /** Milliseconds after a ping without an answer until such a stream is given up; default 10,000. */
  readonly keepaliveTimeoutMs?: number;
  /** The known peers that are connected have changed; the first time with the server itself, before it is returned. */
  readonly onPeersChange?: (peers: Configuration) => void;
  /** The dynamic clients that are connected have changed. */
  readonly onClientsChange?: (clients: Configuration) => void;
  /** A stream was accepted; it is in the configurations already, and none of its requests has run. */
  readonly onConnect?: (connection: Connection) => void;
}

/** A server: takes calls of its peers, and calls them. */
export interface Server extends AsyncDisposable {
  /** Where it listens, with the port that the system chose. */
  readonly address: string;
  /** The known peers that are connected now, on the streams that they opened, and this server itself, in-process. */
  readonly peers: Configuration;
  /** The dynamic clients that are connected now. */
  readonly clients: Configuration;
  /** The nodes of `nodes`, on the streams that this server opened to them, itself in-process; else empty. */
  readonly configuration: Configuration;
  /** Resolves once `peers` has that many nodes or satisfies the function. Rejects as {@link WaitOptions} say, or with
   * Unavailable, `SERVER_CLOSED`. */
  waitForPeers(sizeOrPredicate: WaitCondition, options?: WaitOptions): Promise<void>;
  /** As {@link waitForPeers}, for `clients`. */
  waitForClients(sizeOrPredicate: WaitCondition, options?: WaitOptions): Promise<void>;
  /** Its state as plain data, for tools. */
  snapshot(): ServerSnapshot;
  /**
   * Closes in order: accepts no more, ends the waits for peers and clients, answers new requests with Unavailable,
   * `SERVER_CLOSING`, lets those that are here finish within `graceMs` (default 5,000), then ends all streams. A
   * second close waits for the first.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}
