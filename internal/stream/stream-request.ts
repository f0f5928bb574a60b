import { Code } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";
import { outsideScopes } from "../util/async-scope.js";
import { type CancelDeadline, deadlineAfter, monotonicMs, scheduleDeadline } from "../util/deadlines.js";
import type { Envelope } from "../wire/envelope.js";
import type { MetadataEntry } from "../wire/metadata.js";
import type { EncodedAnswer, IncomingRequest, RequestHandler } from "./request-handler.js";

/** What a request is answered with: a reply, an error, either of them encoded, or the word that no more replies come. */
export type Answer = Uint8Array | QuorateError | EncodedAnswer | "end";

/** What a {@link StreamRequest} tells the dispatch that it belongs to. */
export interface RequestOwner {
  /** Sends an answer; `written` is called once the transport has taken it. False if an error was sent in its place. */
  answer(request: StreamRequest, answer: Answer, written: () => void): boolean;
  /** The next request may start. */
  released(request: StreamRequest): void;
  /** The request is over and what it answered is written. */
  done(request: StreamRequest): void;
}

/** One request of a peer, from its coming to the writing of its last answer. */
export class StreamRequest implements IncomingRequest {
  readonly number: number;
  readonly serverInitiated: boolean;
  readonly method: string;
  readonly entries: readonly MetadataEntry[];
  readonly payload: Uint8Array;
  /** Bytes of the envelope. */
  readonly size: number;
  readonly #owner: RequestOwner;
  readonly #deadline: number;
  #cancelDeadline: CancelDeadline | undefined;
  #controller: AbortController | undefined;
  #ended: QuorateError | undefined;
  #oneWay = false;
  #unanswerable = false;
  #unwritten = 0;
  state: "queued" | "running" | "returned" = "queued";

  constructor(envelope: Envelope, size: number, owner: RequestOwner) {
    this.number = envelope.number;
    this.serverInitiated = envelope.serverInitiated;
    this.method = envelope.method;
    this.entries = envelope.entries;
    this.payload = envelope.payload;
    this.size = size;
    this.#owner = owner;
    this.#deadline = envelope.timeoutMs === 0 ? Number.POSITIVE_INFINITY : deadlineAfter(envelope.timeoutMs);
  }

  /** Made on first use: most handlers never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended);
    }
    return this.#controller.signal;
  }

  get unanswerable(): boolean {
    return this.#unanswerable;
  }

  declareOneWay(): void {
    this.#oneWay = true;
  }

  remainingMs(): number {
    return Math.max(0, this.#deadline - monotonicMs());
  }

  release(): void {
    this.#owner.released(this);
  }

  reply(payload: Uint8Array): void {
    this.#answer(payload);
  }

  answer(answer: EncodedAnswer): void {
    this.#answer(answer);
  }

  fail(error: QuorateError): void {
    this.#answer(error);
  }

  async replyNext(payload: Uint8Array): Promise<boolean> {
    let taken = () => {};
    const written = new Promise<void>((resolve) => {
      taken = resolve;
    });
    if (!this.#answer(payload, taken)) return false;
    await written;
    return this.#ended === undefined;
  }

  endReplies(): void {
    this.#answer("end");
  }

  /** For the dispatch: lets the caller's deadline end the request. */
  startClock(): void {
    if (this.#deadline === Number.POSITIVE_INFINITY) return;
    this.#cancelDeadline = scheduleDeadline(this.#deadline, () => this.#expire());
  }

  /** For the dispatch: answers without running. */
  refuse(error: QuorateError): void {
    this.#answer(error);
    this.#return();
  }

  /**
   * For the dispatch: whether the caller's deadline has passed; then the request is answered and over. A busy event
   * loop may run a request before the timer of its deadline.
   */
  expireIfDue(): boolean {
    if (this.#deadline === Number.POSITIVE_INFINITY || monotonicMs() < this.#deadline) return false;
    this.#expire();
    return true;
  }

  /** For the dispatch: runs the handler; never throws. */
  run(handler: RequestHandler): void {
    this.state = "running";
    // The one before it may have released it, in a scope of its own.
    void outsideScopes(() => this.#run(handler));
  }

  /** For the dispatch: the caller no longer waits. */
  cancel(): void {
    this.#end(new QuorateError(Code.Canceled, "quorate: the caller canceled the call"));
  }

  /** For the dispatch: the stream is over. */
  endWithStream(reason: QuorateError): void {
    this.#end(reason);
  }

  /** For the dispatch: the stream is over, but its peer had said all that it had to say. */
  outlive(reason: QuorateError): void {
    this.#unanswerable = true;
    if (this.state === "running" && !this.#oneWay) this.#end(reason);
  }

  async #run(handler: RequestHandler): Promise<void> {
    try {
      await handler(this);
    } catch (error) {
      this.fail(QuorateError.from(error, Code.Internal));
    }
    this.#return();
  }

  #expire(): void {
    const expired = new QuorateError(Code.DeadlineExceeded, "quorate: the caller's deadline passed");
    if (this.state === "queued") this.#answer(expired);
    this.#end(expired);
  }

  /** The caller is gone: what waits is not run, what runs is told, what it answers is discarded. */
  #end(reason: QuorateError): void {
    if (this.#ended !== undefined || this.state === "returned") return;
    this.#ended = reason;
    this.#cancelDeadline?.();
    this.#controller?.abort(reason);
    if (this.state === "queued") this.#return();
  }

  #answer(answer: Answer, written?: () => void): boolean {
    if (this.#ended !== undefined || this.state === "returned") return false;
    this.#unwritten += 1;
    return this.#owner.answer(this, answer, () => {
      this.#unwritten -= 1;
      this.#settle();
      written?.();
    });
  }

  #return(): void {
    this.state = "returned";
    this.#cancelDeadline?.();
    this.release();
    this.#settle();
  }

  #settle(): void {
    if (this.state === "returned" && this.#unwritten === 0) this.#owner.done(this);
  }
}
