import type { QuorateError } from "../errors/quorate-error.js";
import type { MetadataEntry } from "../wire/metadata.js";

/** An answer that was encoded before: a message, or a `google.rpc.Status` in its place. */
export interface EncodedAnswer {
  readonly payload?: Uint8Array;
  readonly status?: Uint8Array;
  /** Metadata for the caller. */
  readonly entries: readonly MetadataEntry[];
}

/** A request that came in on a stream, as the layer above sees it. */
export interface IncomingRequest {
  /** Full name with dots (F-03). */
  readonly method: string;
  readonly entries: readonly MetadataEntry[];
  readonly payload: Uint8Array;
  /** Ends with the stream, the caller's deadline or cancel, whichever is first; its reason is a QuorateError. */
  readonly signal: AbortSignal;
  /**
   * Whether the stream is over and nobody can be answered. Only requests of a stream that its peer half-closed still
   * start then: those that are one-way are to be run, the others are not.
   */
  readonly unanswerable: boolean;
  /** Says that nothing will be answered, so that the request outlives a stream that its peer half-closed. */
  declareOneWay(): void;
  /** Milliseconds until the caller's deadline, never below 0; Infinity without one. */
  remainingMs(): number;
  /** Lets the next request of this stream start. A second call does nothing. */
  release(): void;
  /** Queues a reply on the stream that the request came on (never on a newer one). Dropped once the caller is gone. */
  reply(payload: Uint8Array): void;
  /** As {@link reply}, with bytes that were encoded before, an error among them, and with metadata. */
  answer(answer: EncodedAnswer): void;
  /** Queues an error in place of a reply. */
  fail(error: QuorateError): void;
  /**
   * Queues one of any number of replies. Resolves once the transport has taken it; with false if no more are wanted:
   * the caller is gone, or this one was above the limit, which the caller has been told.
   */
  replyNext(payload: Uint8Array): Promise<boolean>;
  /** Says that all replies were given, to a peer that takes that. */
  endReplies(): void;
}

/**
 * Runs one request: calls {@link IncomingRequest.reply} or `fail` as the method asks, and resolves when it is
 * done. Its place in the order of the stream is held until then or until `release`.
 *
 * A rejection is answered as an Internal error: a handler turns what it expects into `fail` itself.
 */
export type RequestHandler = (request: IncomingRequest) => Promise<void>;
