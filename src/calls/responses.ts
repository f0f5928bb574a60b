import type { Correctable } from "./correctable.js";
import type { ResponseSequence } from "./response-sequence.js";

/** Makes one result of the replies that reached the threshold, in the order in which they came. */
export type Combine<Reply, Result> = (replies: readonly Reply[]) => Result;

/** What can be made a correctable of. */
interface Correcting<Reply> {
  /**
   * A value that gets better with every reply: the latest one, or `combine` of the latest reply of each node. It is
   * done at `level` replies.
   * @throws QuorateError InvalidArgument unless `level` is an integer from 1 on
   */
  correctable(level: number): Correctable<Reply>;
  correctable<Value>(level: number, combine: Combine<Reply, Value>): Correctable<Value>;
}

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
 *
 * A node that an interceptor skipped is not waited for, and is no reply to anything (W-05).
 */
export interface Responses<Reply> extends ResponseSequence<Reply>, Correcting<Reply> {
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

/**
 * The responses of a quorum call whose nodes reply any number of times. To be read once: by a loop, by `collect`, or
 * as a correctable.
 *
 * It is over when every node has ended its replies or failed, at the deadline, when its signal ends, and when its
 * reader leaves; then nodes that still reply are told to stop. A peer that is not quorate says no end (F-16): there
 * it is the deadline.
 *
 * What is not read waits: at `maxQueuedReplies` of one node that node fails with ResourceExhausted,
 * `REPLY_QUEUE_FULL`.
 */
export interface StreamedResponses<Reply> extends ResponseSequence<Reply>, Correcting<Reply> {
  /** How many nodes the configuration has. */
  readonly size: number;
}
