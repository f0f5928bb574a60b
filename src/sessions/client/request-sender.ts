import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { Metadata } from "../../../internal/wire/metadata.js";
import { callRaw, type RawCallListener, type RawReply } from "../../calls/raw-call.js";
import { readOp } from "../stamp.js";
import type { AwaitedRequest } from "./awaited-request.js";
import { classifyAnswer } from "./classify-answer.js";
import type { DialledStream } from "./dialled-streams.js";
import type { SessionState } from "./session-state.js";

/** What answers mean to a session as a whole. */
export interface AnswerListener {
  /** A server has answered with an op: there is progress. Without a number it was a read or a KeepAlive. */
  progressed(request: number | undefined): void;
  /** A request, or what has no number, is answered: there may be room for another one. */
  completed(awaited: AwaitedRequest, request: number | undefined): void;
  /** Back off, and write again: this, and all requests that have numbers. */
  resend(error: QuorateError, awaited: AwaitedRequest): void;
  /** The stream is not bound. */
  registerAgain(error: QuorateError): void;
  /** No answer came: the stream is lost, or is as good as lost. */
  lost(error: QuorateError): void;
  end(error: QuorateError): void;
}

/** Sends requests, reads and KeepAlives on the stream that the session is bound on, and finds what answers mean. */
export class RequestSender {
  readonly #state: SessionState;
  readonly #listener: AnswerListener;
  #stream: DialledStream | undefined;
  #binding = 0;
  #round = 0;

  constructor(state: SessionState, listener: AnswerListener) {
    this.#state = state;
    this.#listener = listener;
  }

  /** The stream that the session is bound on. */
  get stream(): DialledStream | undefined {
    return this.#stream;
  }

  /** From now on requests go here; none without a stream. */
  bind(stream: DialledStream | undefined): void {
    this.#stream = stream;
    this.#binding += 1;
    this.nextRound();
  }

  /** All that has a number is written anew: what is answered to earlier writes does not ask for another time. */
  nextRound(): void {
    this.#round += 1;
  }

  /**
   * Sends a request on the stream that the session is bound on, and never a second time by itself.
   *
   * @param request its number; undefined for a read and a KeepAlive.
   * @param metadata with the stamp, if it has one.
   */
  send(awaited: AwaitedRequest, request: number | undefined, metadata: Metadata): void {
    const stream = this.#stream;
    const { limits, session } = this.#state;
    if (stream === undefined || limits === undefined) return;
    const { method, payload } = awaited;
    const timeoutMs = limits.maxWaitMs + overdueMs;
    const wasLowest = request === this.#state.lowestUnanswered;
    const round = this.#roundOf(request);
    const write = new Write(this, awaited, request, session, stream, round, wasLowest);
    callRaw(stream.node, { method, payload, metadata, stream: stream.stream, timeoutMs }, write);
  }

  /** For {@link Write}. */
  replied({ awaited, request, session, stream, round, wasLowest }: Write, reply: RawReply): void {
    const onBoundStream = stream === this.#stream;
    const isLatest = round === this.#roundOf(request);
    const op = readOp(reply.metadata);
    const { error } = reply;
    const state = this.#state;
    const action = classifyAnswer({ request, session, onBoundStream, isLatest, wasLowest, op, error }, state);
    switch (action.kind) {
      case "ignore":
        return;
      case "final":
        if (request === undefined) state.observe(action.op);
        else state.complete(request, action.op);
        this.#listener.progressed(request);
        awaited.answered(reply, stream.node);
        this.#listener.completed(awaited, request);
        return;
      case "answered":
        if (request !== undefined) state.complete(request);
        awaited.failed(action.error);
        this.#listener.completed(awaited, request);
        return;
      default:
        this.#listener[action.kind](action.error, awaited);
    }
  }

  /** For {@link Write}. */
  failed({ awaited, request, stream, round }: Write, error: QuorateError): void {
    if (stream !== this.#stream || !this.#state.isBound) return;
    const isLatest = round === this.#roundOf(request);
    if (request === undefined ? !isLatest : !this.#state.isUnanswered(request)) return;
    if (error.reason === "CLOSED" || error.reason === "MESSAGE_TOO_LARGE") this.#listener.end(error);
    else if (error.reason !== "SEND_QUEUE_FULL") this.#listener.lost(error);
    else if (isLatest) this.#listener.resend(error, awaited);
  }

  /** What has no number is written anew only if it was refused, or with a new binding. */
  #roundOf(request: number | undefined): number {
    return request === undefined ? this.#binding : this.#round;
  }
}

/** How much longer than the server itself the client waits before it gives the stream up, in milliseconds. */
const overdueMs = 5_000;

/** One writing of a request. */
class Write implements RawCallListener {
  readonly #sender: RequestSender;
  readonly awaited: AwaitedRequest;
  readonly request: number | undefined;
  /** The session number that it was stamped with. */
  readonly session: number;
  readonly stream: DialledStream;
  readonly round: number;
  /** All lower numbers were answered by then. */
  readonly wasLowest: boolean;

  constructor(
    sender: RequestSender,
    awaited: AwaitedRequest,
    request: number | undefined,
    session: number,
    stream: DialledStream,
    round: number,
    wasLowest: boolean,
  ) {
    this.#sender = sender;
    this.awaited = awaited;
    this.request = request;
    this.session = session;
    this.stream = stream;
    this.round = round;
    this.wasLowest = wasLowest;
  }

  replied(reply: RawReply): void {
    this.#sender.replied(this, reply);
  }

  failed(error: QuorateError): void {
    this.#sender.failed(this, error);
  }
}
