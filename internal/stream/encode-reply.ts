import { QuorateError } from "../errors/quorate-error.js";
import { encodeBody, encodeEnvelope } from "../wire/encode-envelope.js";
import { statusFromError } from "../wire/status.js";
import { messageTooLarge } from "./message-size.js";
import type { StreamRequest } from "./stream-request.js";

/** A reply as it is sent. */
export interface EncodedReply {
  readonly bytes: Uint8Array;
  /** Whether the answer was above the limit, so that the reply is an error that says so. */
  readonly tooLarge: boolean;
}

/** Encodes what answers a request: a payload, or an error. It repeats number and method of the request (F-07, F-10). */
export function encodeReply(
  { method, number, serverInitiated }: StreamRequest,
  answer: Uint8Array | QuorateError,
  maxMessageBytes: number,
): EncodedReply {
  const encode = (one: Uint8Array | QuorateError) =>
    encodeEnvelope(
      number,
      serverInitiated,
      encodeBody(
        one instanceof QuorateError ? { method, status: statusFromError(one) } : { method, payload: one },
      ),
    );
  const bytes = encode(answer);
  if (bytes.length <= maxMessageBytes) return { bytes, tooLarge: false };
  return { bytes: encode(messageTooLarge("reply", bytes.length, maxMessageBytes)), tooLarge: true };
}
