import { Code } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";

/** The error of a call whose request or reply is above the limit; both in bytes of the envelope. */
export function messageTooLarge(what: "request" | "reply", size: number, limit: number): QuorateError {
  return new QuorateError(
    Code.ResourceExhausted,
    `quorate: the ${what} has ${size} bytes; the limit is ${limit} (maxMessageBytes)`,
    { reason: "MESSAGE_TOO_LARGE" },
  );
}
