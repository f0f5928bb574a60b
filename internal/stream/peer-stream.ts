import { Code } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";
import { outsideScopes } from "../util/async-scope.js";
import { decodeEnvelope } from "../wire/decode-envelope.js";
import { encodeCancel } from "../wire/encode-envelope.js";
import type { Envelope } from "../wire/envelope.js";
import type { BidiStream, StreamStatus } from "./bidi-stream.js";
import { encodeReply } from "./encode-reply.js";
import { noFeatures, type PeerFeatures, readFeatures } from "./features.js";
import { MessageRouter, type Side } from "./message-router.js";
import { messageTooLarge } from "./message-size.js";
import { OrderedDispatch } from "./ordered-dispatch.js";
import type { PendingCall } from "./pending-call.js";
import { type RequestQueueLimits, reading } from "./reading.js";
import type { RequestHandler } from "./request-handler.js";
import type { SendQueue } from "./send-queue.js";
import { streamStatusError } from "./stream-failure.js";
import type { Answer, StreamRequest } from "./stream-request.js";
import { StreamWriter } from "./stream-writer.js";

/** What a {@link PeerStream} is made of. */
export interface PeerStreamInit {
  readonly stream: BidiStream;
  readonly side: Side;
  /** Whether this side may call the peer: false on accepted streams that offered no way back. */
  readonly callable: boolean;
  /** What the peer is known to take; on the dialling side that comes with its headers. */
  readonly features?: PeerFeatures;
  /** What waits to be sent to the peer. The queue of a dialling channel outlives its streams. */
  readonly queue: SendQueue;
  readonly handler: RequestHandler;
  readonly limits: StreamLimits;
  readonly observer: PeerStreamObserver;
}

/** A bound whose reaching is told: of what waits to be sent, of the peer's requests, of one message. */
export type StreamLimit = "sendQueue" | "requestQueue" | "messageSize";

/** The bounds of one stream. */
export interface StreamLimits extends RequestQueueLimits {
  /** Bytes of one envelope, sent or received. More fails that call alone. */
  readonly maxMessageBytes: number;
}

/** What a {@link PeerStream} tells its owner. */
export interface PeerStreamObserver {
  /** A reply came for a call that is over. */
  lateReply(envelope: Envelope): void;
  /**
   * A message could not be read. Either the owner ends the stream, or it has further requests refused; otherwise
   * nothing more is read.
   */
  malformed(error: QuorateError): void;
  /** A bound was reached; what that means for calls, they are told themselves. */
  limitReached(limit: StreamLimit): void;
  /** The peer sends no more (accepting side). */
  halfClosed(): void;
  /** Nothing of the peer's requests is queued, running or unwritten any longer. */
  idle(): void;
  /**
   * The stream is over. `sent` are the calls that were given to it and are not settled, by number; `dropped` is
   * how many requests never ran.
   */
  ended(status: StreamStatus, sent: PendingCall[], dropped: number): void;
}

/**
 * One living stream between two peers, the same at both ends: reads and routes what comes, runs requests in
 * order, and writes replies and calls.
 */
export class PeerStream {
  readonly #init: PeerStreamInit;
  readonly #router: MessageRouter;
  readonly #dispatch: OrderedDispatch;
  readonly #writer: StreamWriter;
  #features: PeerFeatures;
  #readingOn = true;
  #halfClosed = false;
  #refused = false;
  #deaf = false;
  #ending = false;
  #over = false;

  constructor(init: PeerStreamInit) {
    this.#init = init;
    this.#features = init.features ?? noFeatures;
    this.#router = new MessageRouter(init.side, init.callable, init.limits.maxMessageBytes, {
      request: (envelope, size) => this.#acceptRequest(envelope, size),
      cancel: (number) => this.#dispatch.cancel(number),
      lateReply: (envelope) => init.observer.lateReply(envelope),
      replyTooLarge: () => init.observer.limitReached("messageSize"),
    });
    this.#dispatch = new OrderedDispatch(init.handler, {
      reply: (request, answer, written) => this.#queueReply(request, answer, written),
      changed: () => this.#loadChanged(),
    });
    this.#writer = new StreamWriter(init.stream, init.queue, {
      serverInitiated: this.#router.serverInitiated,
      takesDeadlines: () => this.#features.deadline,
      register: (call) => this.#router.register(call),
      progressed: () => this.#loadChanged(),
    });
    const receive = (bytes: Uint8Array) => this.#receive(bytes);
    const halfClosed = () => this.#peerHalfClosed();
    const finish = (status: StreamStatus) => this.#finish(status);
    init.stream.open({
      accepted: (headers) => {
        this.#features = readFeatures(headers);
      },
      // Whoever wrote, read or called last may be in a scope, and what comes is for others.
      message: (bytes) => outsideScopes(receive, bytes),
      halfClosed: () => outsideScopes(halfClosed),
      ended: (status) => outsideScopes(finish, status),
    });
  }

  /** Calls that wait for replies on this stream, and a one-way call that is being written. */
  get pendingCalls(): number {
    return this.#router.pendingCalls + (this.#writer.oneWayCall === undefined ? 0 : 1);
  }

  /** Requests of the peer that are queued, running, or whose reply is not written yet. */
  get requests(): number {
    return this.#dispatch.length;
  }

  /** Bytes of the envelopes of {@link requests}. */
  get requestBytes(): number {
    return this.#dispatch.bytes;
  }

  get features(): PeerFeatures {
    return this.#features;
  }

  /** Whether the last that was asked of the transport is not to read. */
  get readingPaused(): boolean {
    return !this.#readingOn;
  }

  /** Whether nothing of the peer's requests is queued, running or unwritten. */
  get idle(): boolean {
    return this.#dispatch.length === 0 && !this.#writer.busy;
  }

  /** Writes what is queued. To be called after a call was queued. */
  pump(): void {
    if (this.#over) return;
    // First, so that a call that the rule of reading fails is not sent.
    this.#applyReading();
    this.#writer.pump();
  }

  /** Lets go of a call that was sent here; with `tellPeer`, tells a peer that takes cancels. */
  withdraw(call: PendingCall, tellPeer: boolean): void {
    if (this.#router.remove(call) && tellPeer) this.#cancelAtPeer(call);
    this.pump();
  }

  /** From now on every new request is answered with this error. */
  refuseRequests(error: QuorateError): void {
    this.#refused = true;
    this.#dispatch.refuseNew(error);
  }

  /** Fails the calls that wait for replies here, and tells a peer that takes cancels. */
  failCalls(error: QuorateError): void {
    for (const call of this.#router.drain()) {
      this.#cancelAtPeer(call);
      call.fail(error);
    }
    this.pump();
  }

  /**
   * Ends this side in order, behind the replies that wait: half-closes, or on the accepting side ends with `status`.
   * What is read from now on is not run.
   */
  end(status: StreamStatus): void {
    if (this.#over || this.#ending) return;
    this.#ending = true;
    this.#writer.end(status);
    // A side that does not read would not see how the stream ends (J-25).
    this.#applyReading();
  }

  /** Drops the requests that a half-closed stream left behind, and ends the signals of running ones. */
  endRequests(reason: QuorateError): void {
    this.#dispatch.end(reason);
  }

  /** Ends the stream now, logically first: nothing that it tells counts any more. */
  cancel(status: StreamStatus): void {
    if (this.#over) return;
    this.#init.stream.cancel(status);
    this.#finish(status);
  }

  #cancelAtPeer(call: PendingCall): void {
    if (!this.#features.cancel || this.#over || this.#ending) return;
    const bytes = encodeCancel(call.number, this.#router.serverInitiated);
    this.#init.queue.pushReply({ bytes, settled: () => {} });
  }

  #receive(bytes: Uint8Array): void {
    if (this.#over || this.#ending || this.#deaf) return;
    let envelope: Envelope;
    try {
      envelope = decodeEnvelope(bytes);
    } catch (error) {
      if (this.#refused) return;
      this.#init.observer.malformed(QuorateError.from(error, Code.InvalidArgument));
      this.#deaf = !this.#refused;
      return;
    }
    this.#router.route(envelope, bytes.length);
    this.#applyReading();
  }

  #acceptRequest(envelope: Envelope, size: number): void {
    const { maxMessageBytes } = this.#init.limits;
    if (size <= maxMessageBytes) {
      this.#dispatch.enqueue(envelope, size);
      return;
    }
    this.#init.observer.limitReached("messageSize");
    this.#dispatch.refuse(envelope, size, messageTooLarge("request", size, maxMessageBytes));
  }

  #queueReply(request: StreamRequest, answer: Answer, written: () => void): boolean {
    if (this.#over || this.#ending || (answer === "end" && !this.#features.end)) {
      written();
      return false;
    }
    const { bytes, tooLarge } = encodeReply(request, answer, this.#init.limits.maxMessageBytes);
    if (tooLarge) this.#init.observer.limitReached("messageSize");
    this.#init.queue.pushReply({ bytes, settled: written });
    this.pump();
    return !tooLarge;
  }

  #loadChanged(): void {
    this.#applyReading();
    if (this.idle) this.#init.observer.idle();
  }

  #applyReading(): void {
    if (this.#over) return;
    const ours = this.pendingCalls + this.#init.queue.calls;
    const rule = reading(this.#dispatch.length, this.#dispatch.bytes, ours, this.#init.limits);
    const on = rule === "on" || this.#ending;
    if (on !== this.#readingOn) {
      this.#readingOn = on;
      this.#init.stream.setReading(on);
    }
    if (rule === "failOurCalls") this.#failOurCalls();
  }

  #failOurCalls(): void {
    const error = new QuorateError(
      Code.ResourceExhausted,
      "quorate: the peer's requests fill the request queue of the stream, so no reply can be read",
      { reason: "REQUEST_QUEUE_FULL" },
    );
    const calls = [...this.#router.drain(), ...this.#init.queue.takeCalls(() => true)];
    if (this.#writer.oneWayCall !== undefined) calls.push(this.#writer.oneWayCall);
    for (const call of calls) call.fail(error);
    this.#init.observer.limitReached("requestQueue");
  }

  #peerHalfClosed(): void {
    this.#halfClosed = true;
    this.#init.observer.halfClosed();
  }

  #finish(status: StreamStatus): void {
    if (this.#over) return;
    this.#over = true;
    const sent = this.#router.drain();
    const { call, replies } = this.#writer.stop();
    if (call !== undefined && !sent.includes(call)) sent.push(call);
    const reason = new QuorateError(Code.Canceled, "quorate: the stream of the request ended", {
      cause: streamStatusError(status),
    });
    let dropped = 0;
    if (this.#halfClosed) this.#dispatch.outlive(reason);
    else dropped = this.#dispatch.end(reason);
    this.#init.observer.ended(status, sent, dropped);
    // Requests that outlive the stream do not wait for their replies any longer.
    for (const reply of replies) reply.settled();
  }
}
