import { OrderedDispatch } from "../../internal/stream/ordered-dispatch.js";
import type { RequestHandler } from "../../internal/stream/request-handler.js";
import type { Answer } from "../../internal/stream/stream-request.js";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import type { Envelope } from "../../internal/wire/envelope.js";
import { message } from "./fake-stream.js";
import { ManualHandler } from "./manual-handler.js";

/** What a request answered, in the hands of the test. */
export interface GivenAnswer {
  readonly number: number;
  readonly answer: Answer;
  /** The transport has taken it. */
  readonly written: () => void;
}

/** A dispatch whose answers the test takes. */
export interface OpenedDispatch {
  readonly dispatch: OrderedDispatch;
  /** Runs the requests, unless the test gave a handler. */
  readonly handler: ManualHandler;
  readonly answers: GivenAnswer[];
  /** How often the load was told to have changed. */
  readonly changes: () => number;
  /** A request whose payload is its number. */
  readonly envelope: (number: number, timeoutMs?: number) => Envelope;
  /** Takes requests of these numbers. */
  readonly take: (...numbers: number[]) => void;
}

/** Opens a dispatch. */
export function openDispatch(init: { readonly handler?: RequestHandler } = {}): OpenedDispatch {
  const handler = new ManualHandler();
  const answers: GivenAnswer[] = [];
  let changes = 0;
  const dispatch = new OrderedDispatch(init.handler ?? handler.handle, {
    reply: ({ number }, answer, written) => {
      answers.push({ number, answer, written });
      return true;
    },
    changed: () => {
      changes += 1;
    },
  });
  const envelope = (number: number, timeoutMs = 0) =>
    decodeEnvelope(message({ number, payload: String(number), timeoutMs }));
  return {
    dispatch,
    handler,
    answers,
    changes: () => changes,
    envelope,
    take: (...numbers) => {
      for (const number of numbers) dispatch.enqueue(envelope(number), 10);
    },
  };
}
