import type { QuorateError } from "../errors/quorate-error.js";
import { Fifo } from "../util/fifo.js";
import type { Envelope } from "../wire/envelope.js";
import type { RequestHandler } from "./request-handler.js";
import { type Answer, type RequestOwner, StreamRequest } from "./stream-request.js";

/** Where the dispatch sends what its requests answer. */
export interface DispatchTargets {
  /**
   * Queues a reply to a request on the stream; `written` is called once the transport has taken it. False if an error
   * goes in its place.
   */
  reply(request: StreamRequest, answer: Answer, written: () => void): boolean;
  /** How many requests are held, or how many bytes, has changed. */
  changed(): void;
}

/**
 * The requests of one stream: they run one at a time in the order in which they came, each until its handler
 * returns or releases. A request counts from its coming until its reply is written.
 */
export class OrderedDispatch implements RequestOwner {
  readonly #handler: RequestHandler;
  readonly #targets: DispatchTargets;
  readonly #queue = new Fifo<StreamRequest>();
  /** By number, for cancels. A peer that repeats a number cancels the newest. */
  readonly #byNumber = new Map<number, StreamRequest>();
  readonly #held = new Set<StreamRequest>();
  #bytes = 0;
  #current: StreamRequest | undefined;
  #starting = false;
  #refusal: QuorateError | undefined;
  #over = false;

  constructor(handler: RequestHandler, targets: DispatchTargets) {
    this.#handler = handler;
    this.#targets = targets;
  }

  /** Requests that are queued, running, or whose reply is not written yet. */
  get length(): number {
    return this.#held.size;
  }

  /** Bytes of their envelopes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a request. `size` is the bytes of its envelope. */
  enqueue(envelope: Envelope, size: number): void {
    if (this.#refusal !== undefined) {
      this.refuse(envelope, size, this.#refusal);
      return;
    }
    if (this.#over) return;
    const request = this.#hold(envelope, size);
    this.#byNumber.set(request.number, request);
    request.startClock();
    this.#queue.push(request);
    this.#startNext();
    this.#targets.changed();
  }

  /** The caller of this number no longer waits. An unknown number is ignored: its reply is on the way. */
  cancel(number: number): void {
    this.#byNumber.get(number)?.cancel();
  }

  /** Answers one request with an error without running it, ahead of those that wait. */
  refuse(envelope: Envelope, size: number, error: QuorateError): void {
    if (this.#over) return;
    this.#hold(envelope, size).refuse(error);
    this.#targets.changed();
  }

  /** From now on every new request is answered with this error; those that are here still run. */
  refuseNew(error: QuorateError): void {
    this.#refusal = error;
  }

  /**
   * The stream is over, in order: what was read still runs if it is one-way, the signals of other running requests
   * end.
   */
  outlive(reason: QuorateError): void {
    for (const request of this.#held) request.outlive(reason);
  }

  /**
   * The stream is over: queued requests are dropped, the signals of running ones end, and nothing that they answer
   * is sent. Returns how many were dropped unrun.
   */
  end(reason: QuorateError): number {
    if (this.#over) return 0;
    this.#over = true;
    const dropped = this.#queue.drain().filter((request) => request.state === "queued").length;
    for (const request of [...this.#held]) request.endWithStream(reason);
    const left = this.#held.size;
    this.#held.clear();
    this.#byNumber.clear();
    this.#bytes = 0;
    if (left > 0) this.#targets.changed();
    return dropped;
  }

  answer(request: StreamRequest, answer: Answer, written: () => void): boolean {
    return this.#targets.reply(request, answer, written);
  }

  released(request: StreamRequest): void {
    if (this.#current !== request) return;
    this.#current = undefined;
    this.#startNext();
  }

  done(request: StreamRequest): void {
    if (!this.#held.delete(request)) return;
    this.#bytes -= request.size;
    if (this.#byNumber.get(request.number) === request) this.#byNumber.delete(request.number);
    // Requests that ended unrun stay in the queue until they are met; a handler that never returns meets none.
    if (this.#queue.length > 64 + 2 * this.#held.size) this.#queue.retain((one) => one.state === "queued");
    this.#targets.changed();
  }

  #hold(envelope: Envelope, size: number): StreamRequest {
    const request = new StreamRequest(envelope, size, this);
    this.#held.add(request);
    this.#bytes += size;
    return request;
  }

  /** A loop, not a recursion: handlers that release at once must not deepen the stack. */
  #startNext(): void {
    if (this.#starting) return;
    this.#starting = true;
    while (this.#current === undefined) {
      const request = this.#queue.shift();
      if (request === undefined) break;
      if (request.state !== "queued" || request.expireIfDue()) continue;
      this.#current = request;
      request.run(this.#handler);
    }
    this.#starting = false;
  }
}
