import { Code } from "../../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";
import { requestTooLarge } from "../session-errors.js";
import { outcomeUnknown, sessionEnded } from "./client-errors.js";
import type { ClientLimits } from "./register-answer.js";

/** What is sent again under its number until it is answered. The payload must not be changed afterwards. */
export interface RequestRecord {
  /** The full wire name of the method. */
  readonly method: string;
  readonly payload: Uint8Array;
}

/** A request that has its number. */
export interface NumberedRequest extends RequestRecord {
  readonly request: number;
}

/** A request that gets no answer, because the session has ended. */
export interface RequestFailure {
  readonly request: number;
  /** NotFound, `NO_SESSION`: it was never written. Aborted, `OUTCOME_UNKNOWN`: it was, and may have been applied. */
  readonly error: QuorateError;
}

/** The limits of requests, in numbers and in bytes of a payload. */
export type RequestLimits = Pick<ClientLimits, "maxInFlight" | "maxRequestBytes">;

/**
 * The request numbers of one client id: which are given out, written, answered.
 *
 * Every number below the next one is answered, or recorded here as unanswered. So responded-to, the end of the gapless
 * prefix of answered numbers, is what lies before the lowest unanswered one, and needs no book-keeping of its own.
 */
export class RequestLedger {
  /** In the order of the numbers: they are only ever added at the end. */
  readonly #unanswered: Map<number, NumberedRequest>;
  #next: number;
  /** Unanswered numbers from here on are to be written, or written again. */
  #writeFrom: number;
  /** Numbers below were written at least once. */
  #writtenBelow: number;

  /**
   * @param recorded the unanswered requests of a restored session, in the order of their numbers, all below `next`. They
   * count as written: whoever had them before may have sent them after they were recorded.
   */
  constructor(next = 1, recorded: readonly NumberedRequest[] = []) {
    this.#next = next;
    this.#unanswered = new Map(recorded.map((request) => [request.request, request]));
    this.#writeFrom = recorded[0]?.request ?? next;
    this.#writtenBelow = next;
  }

  /** The number that is given out next. */
  get next(): number {
    return this.#next;
  }

  get lowestUnanswered(): number | undefined {
    return this.#unanswered.keys().next().value;
  }

  /** The number up to which all are answered; 0 at first. */
  get respondedTo(): number {
    return (this.lowestUnanswered ?? this.#next) - 1;
  }

  /** How many are unanswered. */
  get size(): number {
    return this.#unanswered.size;
  }

  isUnanswered(request: number): boolean {
    return this.#unanswered.has(request);
  }

  /** Whether the window has room for another number; without limits, before a registration, it has none. */
  hasRoom(limits: RequestLimits | undefined): boolean {
    const { maxInFlight = 0 } = limits ?? {};
    return this.#next <= this.respondedTo + maxInFlight && this.#next < Number.MAX_SAFE_INTEGER;
  }

  /**
   * Gives out the next number.
   *
   * @throws QuorateError ResourceExhausted: `REQUEST_TOO_LARGE`, `WINDOW_FULL`; InvalidArgument for a method without a
   * name.
   */
  give({ method, payload }: RequestRecord, limits: RequestLimits | undefined): number {
    const { maxInFlight = 0, maxRequestBytes = 0 } = limits ?? {};
    if (method === "" || Buffer.byteLength(method) > maxMethodBytes) {
      throw invalidArgument(`the name of a method has 1 to ${maxMethodBytes} bytes`);
    }
    if (payload.length > maxRequestBytes) throw requestTooLarge(payload.length, maxRequestBytes);
    if (!this.hasRoom(limits)) {
      const message = `quorate: ${maxInFlight} requests of the session are in flight already (maxInFlight)`;
      throw new QuorateError(Code.ResourceExhausted, message, { reason: "WINDOW_FULL" });
    }
    const request = this.#next;
    this.#next += 1;
    this.#unanswered.set(request, { request, method, payload });
    return request;
  }

  /** The lowest number that is to be written now. */
  nextToWrite(): NumberedRequest | undefined {
    if (this.#writeFrom >= this.#next) return undefined;
    const first = this.#unanswered.get(this.#writeFrom);
    if (first !== undefined) return first;
    for (const request of this.#unanswered.values()) if (request.request >= this.#writeFrom) return request;
    return undefined;
  }

  /** @throws QuorateError InvalidArgument for another number than that of {@link nextToWrite}. */
  wrote(request: number): void {
    const expected = this.nextToWrite()?.request;
    if (request !== expected) {
      throw invalidArgument(`request ${request} cannot be written now: ${expected ?? "none"} is to be`);
    }
    this.#writeFrom = request + 1;
    this.#writtenBelow = Math.max(this.#writtenBelow, request + 1);
  }

  /** What is recorded may be sent by whoever finds the record, so that it counts as written. */
  recorded(): void {
    this.#writtenBelow = this.#next;
  }

  /** All that is unanswered is to be written again, in the order of the numbers, before anything new. */
  rewind(): void {
    this.#writeFrom = 0;
  }

  /**
   * Counts a number as answered.
   *
   * @returns false if it was answered before.
   * @throws QuorateError InvalidArgument for a number that was never given out.
   */
  complete(request: number): boolean {
    if (!Number.isInteger(request) || request < 1 || request >= this.#next) {
      throw invalidArgument(`request ${request} was never given out: the next one is ${this.#next}`);
    }
    return this.#unanswered.delete(request);
  }

  /** Numbers up to `highest` were used by somebody: none of them is given out, and what is not recorded is answered. */
  skipTo(highest: number): void {
    this.#next = Math.max(this.#next, highest + 1);
  }

  /** Those that are unanswered, in the order of their numbers. */
  unanswered(): readonly NumberedRequest[] {
    return [...this.#unanswered.values()];
  }

  /** Forgets what is unanswered, because the session has ended. */
  giveUp(cause: QuorateError | undefined): readonly RequestFailure[] {
    const failures = this.unanswered().map(({ request }) => ({
      request,
      error:
        request < this.#writtenBelow
          ? outcomeUnknown(
              "the session ended before the request was answered: it may have been applied",
              cause,
            )
          : sessionEnded("the session ended before the request was sent: it was not applied", cause),
    }));
    this.#unanswered.clear();
    return failures;
  }
}

/** The length of the name of a method, which an exported session keeps in two bytes. */
const maxMethodBytes = 0xffff;
