import type { CallHolder } from "./pending-call.js";

/** The way to one peer: takes calls, and sends them on the stream that it has, or will have. */
export interface Channel extends CallHolder {
  /** Whether there is a stream now. */
  readonly connected: boolean;
  /** Calls that are queued or wait for replies. */
  readonly pendingCalls: number;
}
