import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { ConnectionTls } from "../../internal/transport/transport.js";
import type { Metadata } from "../../internal/wire/metadata.js";
import type { Identity } from "./identify.js";

/** The stream on which a request came. */
export interface Connection {
  /** Unique within the process: 1, 2, 3, ... */
  readonly id: number;
  /** Where the peer is: of an accepted stream the remote address, of a dialled one the address that was dialled. */
  readonly remoteAddress: string;
  /** What the opener of the stream sent as the stream's metadata. */
  readonly metadata: Metadata;
  /** TLS of the stream, with the certificate of the peer; undefined for plain text, and within the process. */
  readonly tls: ConnectionTls | undefined;
  /**
   * Who the peer is: of an accepted stream what `identify` has decided, of a dialled one the node that was dialled. It
   * is as sure as they are; with `trustClaims()` it is what the peer says.
   */
  readonly identity: Identity;
  /** Ends with the stream. */
  readonly closed: AbortSignal;
}

/** A connection, and what closes it. */
export interface OpenConnection extends Connection {
  close(): void;
}

let lastId = 0;

/** Makes the connection of a stream that was opened. */
export function openConnection(
  remoteAddress: string,
  metadata: Metadata,
  identity: Identity = {},
  tls?: ConnectionTls,
): OpenConnection {
  const controller = new AbortController();
  lastId += 1;
  return {
    id: lastId,
    remoteAddress,
    metadata,
    tls,
    identity,
    closed: controller.signal,
    close: () => controller.abort(new QuorateError(Code.Unavailable, "quorate: the stream ended")),
  };
}
