import type { Code } from "../errors/code.js";
import type { Metadata } from "../wire/metadata.js";

/** How a stream ended: Ok, or the status that ended it. */
export interface StreamStatus {
  readonly code: Code;
  readonly message: string;
}

/** What a {@link BidiStream} tells its owner. After `ended` nothing more is told. */
export interface BidiStreamEvents {
  /** Dialling side only: the acceptor's initial headers are here. A Go server sends none for a while (J-01). */
  accepted(headers: Metadata): void;
  /** One message was read. Not told while reading is off, save for a few that were under way. */
  message(bytes: Uint8Array): void;
  /** Accepting side only: the peer sends no more, and still reads. */
  halfClosed(): void;
  /** The stream is over; told exactly once. */
  ended(status: StreamStatus): void;
}

/**
 * One bidirectional stream of messages, seen from one of its ends. The transport implements it; all above is
 * free of any transport.
 */
export interface BidiStream {
  /** Begins to tell events; to be called once, before anything else. No event is told before it returns. */
  open(events: BidiStreamEvents): void;
  /**
   * Hands one message over. `written` is called once the transport has taken it, and never after `ended`: the end
   * of the stream settles what was still being written (J-18). One message at a time.
   */
  write(bytes: Uint8Array, written: () => void): void;
  /** Turns reading on or off; off lets flow control slow the peer. On at the start. */
  setReading(on: boolean): void;
  /** Dialling side: half-closes. Accepting side: ends the stream with this status behind all that was written. */
  end(status: StreamStatus): void;
  /**
   * Gives the stream up. The dialling side resets it at once; the accepting side cannot (J-24): its status goes
   * out when the peer reads, but nothing more is told.
   */
  cancel(status: StreamStatus): void;
}
