import type { QuorateError } from "../errors/quorate-error.js";
import type { CallHolder } from "./pending-call.js";

/** The way to one peer: takes calls, and sends them on the stream that it has, or will have. */
export interface Channel extends CallHolder {
  /** Whether there is a stream now. */
  readonly connected: boolean;
  /** Whether the peer opened its streams. */
  readonly inbound: boolean;
  /** Why calls fail at once now; undefined while they are sent, or queue for the first attempt to connect. */
  readonly lastError: QuorateError | undefined;
  /** Calls that are queued or wait for replies. */
  readonly pendingCalls: number;
  /** Stands for the stream that is up now: another object after every loss. See `CallInit.onStream`. */
  readonly stream: object | undefined;
}
