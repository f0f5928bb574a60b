import { QuorateError } from "../errors/quorate-error.js";
import { type EnvelopeBody, encodeBody, encodeEnd, encodeEnvelope } from "../wire/encode-envelope.js";
import { statusFromError } from "../wire/status.js";
import { messageTooLarge } from "./message-size.js";
import type { Answer, StreamRequest } from "./stream-request.js";

/** A reply as it is sent. */
export interface EncodedReply {
  readonly bytes: Uint8Array;
  /** Whether the answer was above the limit, so that the reply is an error that says so. */
  readonly tooLarge: boolean;
}

/** Encodes what answers a request. A payload or an error repeats number and method of the request (F-07, F-10). */
export function encodeReply(
  { method, number, serverInitiated }: StreamRequest,
  answer: Answer,
  maxMessageBytes: number,
): EncodedReply {
  if (answer === "end") return { bytes: encodeEnd(number, serverInitiated), tooLarge: false };
  const encode = (one: Exclude<Answer, "end">) =>
    encodeEnvelope(number, serverInitiated, encodeBody({ method, ...partsOf(one) }));
  const bytes = encode(answer);
  if (bytes.length <= maxMessageBytes) return { bytes, tooLarge: false };
  return { bytes: encode(messageTooLarge("reply", bytes.length, maxMessageBytes)), tooLarge: true };
}

function partsOf(answer: Exclude<Answer, "end">): Omit<EnvelopeBody, "method"> {
  if (answer instanceof QuorateError) return { status: statusFromError(answer) };
  return answer instanceof Uint8Array ? { payload: answer } : answer;
}
