import { Code, codeName } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";
import type { StreamStatus } from "./bidi-stream.js";

/** The status that ended a stream, as an error: the cause of the failures that follow from it. */
export function streamStatusError({ code, message }: StreamStatus): QuorateError {
  return new QuorateError(
    code === Code.Ok ? Code.Unavailable : code,
    message || `the stream ended with ${codeName(code)}`,
  );
}

/** As {@link streamStatusError}; undefined for a stream that was closed in order. */
export function streamEndError(status: StreamStatus): QuorateError | undefined {
  return status.code === Code.Ok ? undefined : streamStatusError(status);
}

/** What a call gets whose stream was lost after the call was given to it. */
export function streamLost(peer: string, status: StreamStatus): QuorateError {
  const cause = streamStatusError(status);
  return new QuorateError(Code.Unavailable, `quorate: the stream to ${peer} was lost: ${cause.message}`, {
    reason: "STREAM_LOST",
    cause,
  });
}

/** What a call gets that must go on a stream which is over already. */
export function streamGone(peer: string): QuorateError {
  return streamLost(peer, { code: Code.Unavailable, message: "it is over already" });
}

/** What a call gets while there is no stream, after an attempt to open one failed. */
export function notConnected(peer: string, cause: QuorateError): QuorateError {
  return new QuorateError(
    Code.Unavailable,
    `quorate: connection error: not connected to ${peer}: ${cause.message}`,
    {
      reason: "NOT_CONNECTED",
      cause,
    },
  );
}

/** What a call gets once its channel is closed (ER-07). */
export function channelClosed(peer: string): QuorateError {
  return new QuorateError(Code.Unavailable, `quorate: node closed: ${peer}`, { reason: "CLOSED" });
}

/** What a call gets when the send queue is full. */
export function sendQueueFull(peer: string): QuorateError {
  return new QuorateError(
    Code.ResourceExhausted,
    `quorate: the send queue to ${peer} is full (maxQueuedCalls, maxQueuedCallBytes); await one-way calls to slow down`,
    { reason: "SEND_QUEUE_FULL" },
  );
}

/**
 * Whether a peer that ended a stream with this status will do so again: then attempts come seldom, and pending
 * calls get the status itself.
 */
export function isRefusal(code: Code): boolean {
  return refusals.has(code);
}

const refusals: ReadonlySet<Code> = new Set([
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
  Code.InvalidArgument,
  Code.AlreadyExists,
]);
