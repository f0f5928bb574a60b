import type { QuorateError } from "../../internal/errors/quorate-error.js";
import type { Node } from "../configuration/node.js";

/** What came of one node: its reply, or why there is none. */
export type NodeResponse<Reply> =
  | { readonly ok: true; readonly node: Node; readonly value: Reply }
  | { readonly ok: false; readonly node: Node; readonly error: QuorateError };

/** Makes one result of the replies that reached the threshold, in the order in which they came. */
export type Combine<Reply, Result> = (replies: readonly Reply[]) => Result;

/**
 * The responses of a quorum call, which is under way from the moment that it was made.
 *
 * Not a promise: say how many replies you need with one of the terminals, or iterate. What is not asked for does
 * no harm: an unobserved failure is never an unhandled rejection. When no terminal waits any longer and a terminal
 * was settled or a loop was left, the waiting for the other nodes stops; their requests are still sent. A loop that
 * begins after that yields what has come, and ends.
 *
 * A terminal rejects with a QuorumCallError as soon as its threshold is out of reach, with DeadlineExceeded or
 * Canceled when the call ends before, and with FailedPrecondition, `EMPTY_CONFIGURATION`, if there was no node.
 */
export interface Responses<Reply> extends AsyncIterable<NodeResponse<Reply>> {
  /** How many nodes the configuration has. */
  readonly size: number;
  /** The first reply. */
  first(): Promise<Reply>;
  /** The first reply of a majority of the configuration: floor(n / 2) + 1. */
  majority(): Promise<Reply>;
  /** `combine` of a majority of replies. */
  majority<Result>(combine: Combine<Reply, Result>): Promise<Result>;
  /** The first reply, once every node that was asked has replied. */
  all(): Promise<Reply>;
  /** `combine` of the replies of all nodes that were asked. */
  all<Result>(combine: Combine<Reply, Result>): Promise<Result>;
  /** The first reply, once `count` nodes have replied. Throws InvalidArgument unless `count` is an integer from 1 on. */
  threshold(count: number): Promise<Reply>;
  /** `combine` of `count` replies. */
  threshold<Result>(count: number, combine: Combine<Reply, Result>): Promise<Result>;
}
