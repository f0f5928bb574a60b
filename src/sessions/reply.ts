import type { QuorateError } from "../../internal/errors/quorate-error.js";
import { encodeStatus, statusFromError } from "../../internal/wire/status.js";
import { replyTooLarge } from "./session-errors.js";

/**
 * What answers a request: the reply message, or a `google.rpc.Status`, encoded once. Kept and answered byte for byte,
 * so the bytes must not be changed once they were given.
 */
export interface Reply {
  readonly kind: "payload" | "status";
  readonly bytes: Uint8Array;
}

/** The reply that an error is. The same error makes the same bytes on every server. */
export function errorReply(error: QuorateError): Reply {
  return { kind: "status", bytes: encodeStatus(statusFromError(error)) };
}

/** The reply itself, or, if it is above the limit, the error that says so. */
export function limitedReply(reply: Reply, maxReplyBytes: number): Reply {
  const size = reply.bytes.length;
  return size <= maxReplyBytes ? reply : errorReply(replyTooLarge(size, maxReplyBytes));
}
