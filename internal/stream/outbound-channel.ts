import { Code } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";
import { type CancelDeadline, deadlineAfter, monotonicMs, scheduleDeadline } from "../util/deadlines.js";
import type { Envelope } from "../wire/envelope.js";
import { Backoff, type BackoffOptions } from "./backoff.js";
import type { BidiStream, StreamStatus } from "./bidi-stream.js";
import type { Channel } from "./channel.js";
import { PeerStream, type StreamLimit, type StreamLimits } from "./peer-stream.js";
import { maxSends, type PendingCall } from "./pending-call.js";
import type { RequestHandler } from "./request-handler.js";
import { SendQueue, type SendQueueLimits } from "./send-queue.js";
import {
  channelClosed,
  isRefusal,
  notConnected,
  sendQueueFull,
  streamGone,
  streamLost,
  streamStatusError,
} from "./stream-failure.js";

/** What an {@link OutboundChannel} is made of. */
export interface OutboundChannelInit {
  /** Names the peer in errors. */
  readonly peer: string;
  /** Makes one attempt to open a stream; rejects with the reason, at the latest when the signal ends. */
  readonly dial: (signal: AbortSignal) => Promise<BidiStream>;
  readonly limits: StreamLimits & SendQueueLimits;
  readonly backoff: BackoffOptions;
  /** How long one attempt may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  readonly observer: OutboundObserver;
}

/** What an {@link OutboundChannel} tells its owner. */
export interface OutboundObserver {
  /** A stream is up; returns what runs the requests that come on it. */
  opened(): RequestHandler;
  /** The stream ended, for no reason if it was closed in order; `dropped` requests of the peer never ran. */
  ended(error: QuorateError | undefined, dropped: number): void;
  /** An attempt failed; the next comes after `retryMs`. */
  attemptFailed(error: QuorateError, retryMs: number): void;
  lateReply(envelope: Envelope): void;
  /** No request of the peer is queued, running or unanswered. */
  idle(): void;
  limitReached(limit: StreamLimit): void;
}

/** How long a close waits for the peer to read what was written, in milliseconds. */
const closeGraceMs = 1_000;
/** How long to wait after a peer refused us, in milliseconds: it would do so again. */
const refusedRetryMs = 30_000;

/**
 * The channel to a peer that we dial. It opens its stream at once and for ever opens it again, also without
 * traffic (W-08), until it is closed.
 */
export class OutboundChannel implements Channel {
  readonly #init: OutboundChannelInit;
  readonly #queue: SendQueue;
  readonly #backoff: Backoff;
  #stream: PeerStream | undefined;
  #attempt: AbortController | undefined;
  #retry: CancelDeadline | undefined;
  /** Why calls fail at once: an attempt failed, and no stream has been up since. */
  #waiting: QuorateError | undefined;
  #openedAt = 0;
  #lastWaitMs = 0;
  #closing = false;
  #closed: Promise<void> | undefined;
  #streamEnded: (() => void) | undefined;

  constructor(init: OutboundChannelInit) {
    this.#init = init;
    this.#queue = new SendQueue(init.limits);
    this.#backoff = new Backoff(init.backoff);
  }

  /** Begins to connect. */
  start(): void {
    this.#connect();
  }

  get connected(): boolean {
    return this.#stream !== undefined && !this.#closing;
  }

  get inbound(): boolean {
    return false;
  }

  get pendingCalls(): number {
    return this.#queue.calls + (this.#stream?.pendingCalls ?? 0);
  }

  /** The stream that is up, for looking at. */
  get stream(): PeerStream | undefined {
    return this.#stream;
  }

  /** Why the last attempt failed, or that it is closed; undefined while connecting for the first time and while up. */
  get lastError(): QuorateError | undefined {
    return this.#closing ? channelClosed(this.#init.peer) : this.#waiting;
  }

  send(call: PendingCall): void {
    if (this.#closing) {
      call.fail(channelClosed(this.#init.peer));
    } else if (call.onStream !== undefined && call.onStream !== this.#stream) {
      call.fail(streamGone(this.#init.peer));
    } else if (this.#waiting !== undefined && !call.waitForReady) {
      call.fail(this.#waiting);
    } else if (!this.#queue.pushCall(call)) {
      this.#init.observer.limitReached("sendQueue");
      call.fail(sendQueueFull(this.#init.peer));
    } else {
      this.#stream?.pump();
    }
  }

  withdraw(call: PendingCall, tellPeer: boolean): void {
    if (call.state !== "queued") {
      this.#stream?.withdraw(call, tellPeer);
      return;
    }
    this.#queue.remove(call);
    this.#stream?.pump();
  }

  /** Ends a wait between attempts: there is a sign that the peer is back. */
  connectNow(): void {
    if (this.#retry === undefined) return;
    this.#retry();
    this.#retry = undefined;
    this.#connect();
  }

  /**
   * Closes for good: pending calls fail with `CLOSED`, what was written is flushed by a half-close, and the peer
   * has `graceMs` to read it and to end the stream.
   */
  close(graceMs: number = closeGraceMs): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#retry?.();
    this.#retry = undefined;
    this.#attempt?.abort();
    const error = channelClosed(this.#init.peer);
    const stream = this.#stream;
    for (const call of this.#queue.takeCalls(() => true)) call.fail(error);
    if (stream === undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.#streamEnded = resolve;
    });
    stream.failCalls(error);
    stream.end({ code: Code.Ok, message: "" });
    const giveUp = scheduleDeadline(deadlineAfter(graceMs), () => {
      stream.cancel({ code: Code.Canceled, message: "the configuration was closed" });
    });
    await ended;
    giveUp();
  }

  #connect(): void {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const { connectTimeoutMs, dial, peer } = this.#init;
    const giveUp = scheduleDeadline(deadlineAfter(connectTimeoutMs), () => {
      attempt.abort(
        new QuorateError(Code.Unavailable, `quorate: no connection to ${peer} within ${connectTimeoutMs} ms`),
      );
    });
    dial(attempt.signal)
      .then(
        (stream) => this.#opened(stream),
        (error: unknown) => this.#attemptFailed(QuorateError.from(error, Code.Unavailable)),
      )
      .finally(giveUp);
  }

  #opened(stream: BidiStream): void {
    this.#attempt = undefined;
    if (this.#closing) {
      stream.cancel({ code: Code.Canceled, message: "the configuration was closed" });
      return;
    }
    this.#waiting = undefined;
    this.#openedAt = monotonicMs();
    const { limits, observer } = this.#init;
    const peerStream: PeerStream = new PeerStream({
      stream,
      side: "dialling",
      callable: true,
      queue: this.#queue,
      handler: (request) => handler(request),
      limits,
      observer: {
        lateReply: (envelope) => observer.lateReply(envelope),
        limitReached: (limit) => observer.limitReached(limit),
        malformed: (error) => peerStream.cancel({ code: error.code, message: error.message }),
        halfClosed: () => {},
        idle: () => observer.idle(),
        ended: (status, sent, dropped) => this.#lost(status, sent, dropped),
      },
    });
    this.#stream = peerStream;
    // The owner finds the channel connected when it hears of the stream, and may close it at once.
    const handler = observer.opened();
    peerStream.pump();
  }

  #lost(status: StreamStatus, sent: PendingCall[], dropped: number): void {
    this.#stream = undefined;
    const { peer, observer } = this.#init;
    if (this.#closing) {
      for (const call of sent) call.fail(channelClosed(peer));
      observer.ended(undefined, dropped);
      this.#streamEnded?.();
      return;
    }
    const cause = streamStatusError(status);
    const refused = isRefusal(status.code);
    const again = refused || status.code === Code.ResourceExhausted ? [] : sent.filter(mayResend);
    // Before any call learns of it: what its caller does next must find the channel in its new state.
    this.#queue.pushResends(again);
    const kept = new Set(again);
    const livedMs = monotonicMs() - this.#openedAt;
    if (refused) this.#wait(cause, refusedRetryMs);
    else if (livedMs < Math.max(this.#lastWaitMs, this.#backoff.minMs))
      this.#wait(cause, this.#backoff.next());
    else {
      this.#backoff.reset();
      this.#lastWaitMs = 0;
      this.#connect();
    }
    observer.ended(cause, dropped);
    const error = refused ? cause : streamLost(peer, status);
    const bound = this.#queue.takeCalls(({ onStream }) => onStream !== undefined);
    for (const call of [...sent, ...bound]) if (!kept.has(call)) call.fail(error);
  }

  #attemptFailed(error: QuorateError): void {
    this.#attempt = undefined;
    if (this.#closing) return;
    const retryMs = isRefusal(error.code) ? refusedRetryMs : this.#backoff.next();
    this.#wait(error, retryMs);
    this.#init.observer.attemptFailed(error, retryMs);
  }

  #wait(cause: QuorateError, waitMs: number): void {
    const refused = isRefusal(cause.code);
    this.#waiting = refused ? cause : notConnected(this.#init.peer, cause);
    this.#lastWaitMs = waitMs;
    this.#retry = scheduleDeadline(deadlineAfter(waitMs), () => {
      this.#retry = undefined;
      this.#connect();
    });
    const failing = this.#queue.takeCalls((call) => refused || !(call.waitForReady || call.sends > 0));
    for (const call of failing) call.fail(this.#waiting);
  }
}

/** The rule of the lost stream: one reply, idempotent or said so, wanted still, for any stream, and not sent too often. */
function mayResend(call: PendingCall): boolean {
  if (call.onStream !== undefined) return false;
  return call.resend && call.replies === "one" && !call.forgotten && call.sends < maxSends;
}
