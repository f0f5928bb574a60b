import { abortError, invalidArgument, type QuorateError } from "../../internal/errors/quorate-error.js";
import { onAbort } from "../../internal/util/on-abort.js";
import type { MetadataInit } from "../../internal/wire/metadata.js";

/** How one call is made. */
export interface CallOptions {
  /**
   * Ends the call: with its reason if that is a QuorateError, with DeadlineExceeded if it is a time-out, else with
   * Canceled.
   */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds until the call fails with DeadlineExceeded; Infinity for never. Default: `defaultTimeoutMs` of the
   * connection or server that the target came from.
   */
  readonly timeoutMs?: number;
  /** Metadata of this call, for the handler's `context.metadata`. */
  readonly metadata?: MetadataInit;
  /**
   * Wait, within the deadline, for a node that cannot be reached, rather than fail at once with Unavailable. Only for
   * nodes that this side dials: whoever connected to us and is gone is not waited for. Default false.
   */
  readonly waitForReady?: boolean;
}

/** How a call with one reply per node is made. */
export interface TwoWayCallOptions extends CallOptions {
  /**
   * Send the request again (three sends at most) if its stream is lost before the reply; it may then run twice.
   * Default: whether the method is marked `idempotency_level = IDEMPOTENT` or `NO_SIDE_EFFECTS`.
   */
  readonly resend?: boolean;
}

/** How a one-way call is made. */
export interface OneWayCallOptions extends CallOptions {
  /**
   * Resolve at once and successfully, whether or not the message can be sent; only what is wrong with the call itself
   * (InvalidArgument, `MESSAGE_TOO_LARGE`) still rejects. The signal counts only at the call. Default false.
   */
  readonly ignoreErrors?: boolean;
}

/** The time-out of a call in milliseconds. Throws InvalidArgument. */
export function checkTimeout(timeoutMs: number, name = "timeoutMs"): number {
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  throw invalidArgument(
    `${name} must be a number of milliseconds from 0 on, or Infinity; it is ${timeoutMs}`,
  );
}

/** Calls `ended` once when the signal of a call ends, with the error that the call gets; returns what stops it. */
export function onCallAborted(
  signal: AbortSignal | undefined,
  ended: (error: QuorateError) => void,
): () => void {
  return signal === undefined ? () => {} : onAbort(signal, (reason) => ended(abortError(reason)));
}
