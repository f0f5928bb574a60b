import type { QuorateError } from "../errors/quorate-error.js";
import type { Envelope } from "../wire/envelope.js";

/** What the maker of a call is told about it. */
export interface CallListener {
  /** A reply came; once, or any number of times for a call with many replies. */
  replied(envelope: Envelope): void;
  /** No more replies come, of a call with many. */
  completed(): void;
  /** The transport has taken the request. For a one-way call that is success. */
  written(): void;
  /** The call failed here: no reply will come. */
  failed(error: QuorateError): void;
  /** No channel holds the call any longer; told exactly once and last, whatever happened. */
  released(): void;
}

/** What holds a call between its making and its end: a channel. */
export interface CallHolder {
  /** Takes a call; one that cannot be taken fails at once. Never throws, never waits. */
  send(call: PendingCall): void;
  /**
   * Lets go of a call that is queued or sent. With `tellPeer`, a peer that offered `cancel` is told if the call
   * was sent.
   */
  withdraw(call: PendingCall, tellPeer: boolean): void;
}

/** How a call is made. */
export interface CallInit {
  /** From `nextCallNumber()`; a quorum call uses one number at all its nodes (F-05). */
  readonly number: number;
  readonly method: string;
  /** Method, entries and payload, encoded; shared by all nodes. */
  readonly body: Uint8Array;
  readonly replies: "none" | "one" | "many";
  /** On the monotonic clock; its maker withdraws the call then. */
  readonly deadline: number;
  /** Queue even while there is no stream and the last attempt to open one failed. */
  readonly waitForReady: boolean;
  /** Send again on the next stream if this one is lost: the method is idempotent, or the caller says so. */
  readonly resend: boolean;
  /** The stream, as `Channel.stream` says it, that the call must go on; else, or once that is lost, it fails at once. */
  readonly onStream?: object | undefined;
}

/** Sends in all, the first included, before a call that may be resent fails with its stream. */
export const maxSends = 3;

/** One call to one peer, from its making to its end. */
export class PendingCall implements CallInit {
  readonly number: number;
  readonly method: string;
  readonly body: Uint8Array;
  readonly replies: "none" | "one" | "many";
  readonly deadline: number;
  readonly waitForReady: boolean;
  readonly resend: boolean;
  readonly onStream: object | undefined;
  readonly #listener: CallListener;
  /** Set by the channel: whether the call waits in its queue, was sent, or is over. */
  state: "made" | "queued" | "sent" | "over" = "made";
  /** Set by the stream: how often the call was sent. */
  sends = 0;
  /** Set by the stream: whether the peer was told the deadline, so that it needs no cancel at its end. */
  deadlineSent = false;
  /** Whether a reply came. */
  hasReply = false;
  #holder: CallHolder | undefined;
  #forgotten = false;

  constructor(init: CallInit, listener: CallListener) {
    this.number = init.number;
    this.method = init.method;
    this.body = init.body;
    this.replies = init.replies;
    this.deadline = init.deadline;
    this.waitForReady = init.waitForReady;
    this.resend = init.resend;
    this.onStream = init.onStream;
    this.#listener = listener;
  }

  /** Gives the call to a channel. The outcome comes through the listener, perhaps before this returns. */
  sendOn(holder: CallHolder): void {
    this.#holder = holder;
    holder.send(this);
  }

  /** Whether nobody waits for the outcome any longer. */
  get forgotten(): boolean {
    return this.#forgotten;
  }

  /**
   * Stops waiting: a sent call is removed at once, a queued one is still sent within its deadline. One with many
   * replies is withdrawn, queued or sent: its replies would go on for nobody.
   */
  forget(): void {
    if (this.state === "over") return;
    this.#forgotten = true;
    const endless = this.replies === "many" && this.state !== "made";
    if (!endless && (this.state !== "sent" || this.replies === "none")) return;
    this.#holder?.withdraw(this, endless);
    this.finish();
  }

  /**
   * Ends the call with this error: a queued one is never sent, for a sent one the entry goes, and with
   * `tellPeer` a cancel to a peer that takes it.
   */
  abort(error: QuorateError, tellPeer: boolean): void {
    if (this.state === "over") return;
    if (this.state !== "made") this.#holder?.withdraw(this, tellPeer);
    this.fail(error);
  }

  /** Ends the call at its deadline. A peer that was told the deadline needs no cancel. */
  expire(error: QuorateError): void {
    this.abort(error, !this.deadlineSent);
  }

  /** For channels: a reply was routed here. */
  reply(envelope: Envelope): void {
    this.hasReply = true;
    if (!this.#forgotten) this.#listener.replied(envelope);
  }

  /** For channels: no more replies come. */
  complete(): void {
    if (this.state !== "over" && !this.#forgotten) this.#listener.completed();
    this.finish();
  }

  /** For channels: the transport has taken the request. */
  confirmWritten(): void {
    if (this.state !== "over" && !this.#forgotten) this.#listener.written();
  }

  /** For channels: the call failed and is held no longer. */
  fail(error: QuorateError): void {
    if (this.state === "over") return;
    this.state = "over";
    if (!this.#forgotten) this.#listener.failed(error);
    this.#listener.released();
  }

  /** For channels: the call has all that it waits for and is held no longer. */
  finish(): void {
    if (this.state === "over") return;
    this.state = "over";
    this.#listener.released();
  }
}
