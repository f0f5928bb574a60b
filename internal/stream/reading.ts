/** What a stream does about reading: read on, stop, or stop and fail our own calls on it. */
export type Reading = "on" | "paused" | "failOurCalls";

/** The bounds of the request queue of one stream. */
export interface RequestQueueLimits {
  /** Requests that are queued or running, until their reply is written. */
  readonly maxQueuedRequests: number;
  /** Bytes of their envelopes. */
  readonly maxQueuedBytes: number;
}

/** How far the queue may grow past its bounds while calls of ours wait for replies on the same stream. */
const stretch = 4;

/**
 * The rule of reading (architecture.md, "full request queue"). At the bounds reading stops, and HTTP/2 flow
 * control slows the sender. While calls of ours are pending on the stream it goes on, because their replies
 * come behind the requests; at four times the bounds our calls fail instead, so a request that was read is never
 * dropped.
 */
export function reading(
  queueLength: number,
  queueBytes: number,
  ourPending: number,
  limits: RequestQueueLimits,
): Reading {
  if (queueLength < limits.maxQueuedRequests && queueBytes < limits.maxQueuedBytes) return "on";
  if (ourPending === 0) return "paused";
  const stretched =
    queueLength < stretch * limits.maxQueuedRequests && queueBytes < stretch * limits.maxQueuedBytes;
  return stretched ? "on" : "failOurCalls";
}
