import type { Reply } from "../reply.js";

/** A request or call of a replicated method, to be run by its state machine. */
export interface ReplicatedCall {
  /** The op of its entry. */
  readonly op: number;
  /** Milliseconds since 1970, never below that of an earlier entry. */
  readonly timestampMs: number;
  readonly user: string;
  /** The client id, or undefined for a call without a session. */
  readonly client: string | undefined;
  readonly method: string;
  /** A view of the entry's bytes. */
  readonly payload: Uint8Array;
}

/**
 * Runs a call on the state machine that serves its method and encodes the reply, or the error that the handler threw.
 * Called once for each entry that takes effect, in the order of the log; must depend on its argument and on the calls
 * before alone.
 *
 * What it throws stops the server: the method is not served here, the payload cannot be decoded.
 */
export type RunReplicated = (call: ReplicatedCall) => Reply;
