import type { IncomingRequest } from "../../internal/stream/request-handler.js";
import { Metadata } from "../../internal/wire/metadata.js";
import type { Configuration } from "../configuration/configuration.js";
import type { Node } from "../configuration/node.js";
import type { Connection } from "./connection.js";

/** What a handler knows of the request beside its message. */
export interface HandlerContext {
  /** Ends with the stream, the caller's deadline or cancel, or the server; its reason is a QuorateError. */
  readonly signal: AbortSignal;
  /** The metadata of the stream, then that of the call. */
  readonly metadata: Metadata;
  /** The peer that called, for calls back to it; undefined if it offered no way back. */
  readonly caller: Node | undefined;
  /** The stream on which the request came. */
  readonly connection: Connection;
  /**
   * The known peers that are connected now, this server included. Of a client: the configuration that it connected.
   *
   * `majority()` of a call to it is a majority of those: where a decision of all nodes is meant, say so with
   * `threshold()`, else a server that is cut off is a majority of one.
   */
  readonly peers: Configuration;
  /** The dynamic clients that are connected now. */
  readonly clients: Configuration;
  /**
   * Milliseconds until the caller's deadline; Infinity without one, and for the first calls of a stream whose caller had
   * not heard yet that we take deadlines. Hand it on: `{ timeoutMs: context.remainingMs() }`.
   */
  readonly remainingMs: () => number;
  /**
   * Lets the next request of this stream start; until then, or until the handler returns, it waits. Needed where a
   * handler waits for a later request of its own caller. A second call does nothing.
   */
  readonly release: () => void;
}

/** What the requests of one stream have in common. */
export interface StreamContext {
  readonly connection: Connection;
  readonly caller: Node | undefined;
  /** The stream itself, as `Channel.stream` of the caller says it for as long as it is the way to the caller. */
  readonly stream: () => object | undefined;
  readonly peers: () => Configuration;
  readonly clients: () => Configuration;
}

/** Makes the context of one request. */
export function handlerContext(request: IncomingRequest, stream: StreamContext): HandlerContext {
  return new RequestContext(request, stream);
}

/** A class with getters, so that what a handler does not look at costs nothing, and what it takes out still works. */
class RequestContext implements HandlerContext {
  readonly #request: IncomingRequest;
  readonly #stream: StreamContext;

  constructor(request: IncomingRequest, stream: StreamContext) {
    this.#request = request;
    this.#stream = stream;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  get metadata(): Metadata {
    return this.#stream.connection.metadata.join(Metadata.fromEntries(this.#request.entries));
  }

  get caller(): Node | undefined {
    return this.#stream.caller;
  }

  get connection(): Connection {
    return this.#stream.connection;
  }

  get peers(): Configuration {
    return this.#stream.peers();
  }

  get clients(): Configuration {
    return this.#stream.clients();
  }

  get remainingMs(): () => number {
    return () => this.#request.remainingMs();
  }

  get release(): () => void {
    return () => this.#request.release();
  }
}
