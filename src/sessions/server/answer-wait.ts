import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { EncodedAnswer, IncomingRequest } from "../../../internal/stream/request-handler.js";
import { deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";
import type { Reply } from "../reply.js";
import { refusal } from "../session-errors.js";
import { opKey } from "../stamp.js";

/** What a request gets in the end: a reply that stands for an entry or a state, or an error that stands for nothing. */
export type Outcome =
  | { readonly kind: "answer"; readonly op: number; readonly reply: Reply }
  | { readonly kind: "refused"; readonly error: QuorateError };

/** Those who wait for one outcome. */
export type AnswerWaits = Set<AnswerWait>;

/**
 * One request that waits for the outcome of an entry. After `maxWaitMs` it is refused with `RETRY`; the entry goes on. A
 * caller that is gone is answered all the same, which goes nowhere.
 */
export class AnswerWait {
  /** Resolves when the request is answered. */
  readonly done: Promise<void>;
  readonly #request: IncomingRequest;
  readonly #cancelDeadline: () => void;
  #resolve: () => void = () => {};
  readonly #told: (outcome: Outcome) => void;
  #waits: AnswerWaits | undefined;
  #over = false;

  /** @param told called with the outcome, once the request is answered. */
  constructor(request: IncomingRequest, maxWaitMs: number, told: (outcome: Outcome) => void = () => {}) {
    this.#request = request;
    this.#told = told;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#cancelDeadline = scheduleDeadline(deadlineAfter(maxWaitMs), () =>
      this.end({ kind: "refused", error: refusal("RETRY") }),
    );
  }

  /** Waits with others, until it is answered; leaves those with whom it waited before. */
  join(waits: AnswerWaits): void {
    this.#waits?.delete(this);
    this.#waits = waits;
    if (!this.#over) waits.add(this);
  }

  /** Answers the request. A second outcome does nothing. */
  end(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelDeadline();
    this.#waits?.delete(this);
    if (outcome.kind === "answer") answerRequest(this.#request, outcome.op, outcome.reply);
    else this.#request.fail(outcome.error);
    this.#told(outcome);
    this.#resolve();
  }
}

/** Answers all who wait. */
export function settle(waits: AnswerWaits, outcome: Outcome): void {
  for (const wait of [...waits]) wait.end(outcome);
}

/** Answers with a reply byte for byte, and with the op that it stands for. */
export function answerRequest(request: IncomingRequest, op: number, { kind, bytes }: Reply): void {
  request.answer({ [kind]: bytes, entries: [{ key: opKey, value: String(op) }] } satisfies EncodedAnswer);
}
