import type { BidiStream } from "../stream/bidi-stream.js";
import type { Metadata } from "../wire/metadata.js";
import type { PeerCertificate } from "./peer-certificate.js";
import type { TlsSettings } from "./tls-options.js";

/** How streams are opened and accepted: over grpc-js, or within the process. */
export interface Transport {
  /** Whether it takes TLS. One that does not is never given any. */
  readonly secure?: boolean;
  /**
   * Opens a stream to an address, on a connection of its own. Resolves once the stream is on its way on an
   * established connection: a Go server sends no headers to wait for (J-01).
   *
   * @param headers the stream's metadata, checked by `checkStreamHeaders`.
   * @param signal gives up; the rejection carries its reason.
   */
  dial(address: string, headers: Metadata, options: DialOptions, signal: AbortSignal): Promise<DialledStream>;
  /** Listens on an address. Streams that come before {@link Listener.accept} are held. */
  listen(address: string, options: ListenOptions): Promise<Listener>;
}

/** The limits and pings of one dialled stream. */
export interface DialOptions {
  /** Bytes of one message above which the whole stream ends. */
  readonly maxReceiveBytes: number;
  /** Milliseconds between pings. */
  readonly keepaliveMs: number;
  /** Without it the stream is plain text. */
  readonly tls?: TlsSettings | undefined;
}

/** TLS of one connection. */
export interface ConnectionTls {
  /** The certificate of the peer; undefined if it has presented none. A server that was dialled always has. */
  readonly certificate: PeerCertificate | undefined;
}

/** A stream that we opened. */
export interface DialledStream extends BidiStream {
  /** Undefined if the stream is plain text. */
  readonly tls?: ConnectionTls | undefined;
}

/** The limits and pings of accepted streams. */
export interface ListenOptions {
  /** Bytes of one message above which the whole stream ends. */
  readonly maxReceiveBytes: number;
  /** Milliseconds between pings. */
  readonly keepaliveMs: number;
  /** Milliseconds after a ping without an answer until the connection is given up. */
  readonly keepaliveTimeoutMs: number;
  /** What every accepted stream sends at once as its initial headers. */
  readonly headers: Metadata;
  /** Without it streams are plain text. */
  readonly tls?: TlsSettings | undefined;
}

/** A stream that a peer opened. */
export interface AcceptedStream {
  readonly stream: BidiStream;
  /** What the peer sent as the stream's metadata. */
  readonly headers: Metadata;
  /** Where the peer is, as the transport says it. */
  readonly remoteAddress: string;
  /** Undefined if the stream is plain text. */
  readonly tls?: ConnectionTls | undefined;
  /** Ends when the peer is gone, also while nobody has opened the stream. */
  readonly gone: AbortSignal;
}

/** A bound address. */
export interface Listener {
  /** The address with the port that was given by the system, if port 0 was asked for. */
  readonly address: string;
  /** Begins to hand over streams; to be called once. */
  accept(accepted: (stream: AcceptedStream) => void): void;
  /** Accepts no more; resolves when the streams that are open have ended. */
  stop(): Promise<void>;
  /** Ends everything that is still open. */
  destroy(): void;
}
