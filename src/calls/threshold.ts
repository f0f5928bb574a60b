import { Code } from "../../internal/errors/code.js";
import type { QuorateError } from "../../internal/errors/quorate-error.js";
import type { Node } from "../configuration/node.js";
import { QuorumCallError, type QuorumCallErrorInit } from "../errors/quorum-call-error.js";

/** How a quorum call stands. */
export interface Tally<Reply> {
  /** Full name of the method, for errors. */
  readonly method: string;
  /** Nodes of the configuration. */
  readonly size: number;
  /** In the order of arrival. */
  readonly replies: readonly Reply[];
  readonly nodeErrors: ReadonlyMap<number, QuorateError>;
  readonly unanswered: ReadonlySet<Node>;
  /** Why the call is over, if its deadline or its signal ended it. */
  readonly ended: QuorateError | undefined;
  /** Whether nobody listens to the unanswered nodes any longer. */
  readonly stopped: boolean;
}

/** What a threshold makes of a tally. */
export type ThresholdOutcome<Reply> =
  | { readonly kind: "open" }
  | { readonly kind: "reached"; readonly replies: readonly Reply[] }
  | { readonly kind: "failed"; readonly error: QuorateError };

/** Any two sets of this many of `size` nodes have a node in common. */
export function majorityOf(size: number): number {
  return Math.floor(size / 2) + 1;
}

/** Whether `count` replies are here, may still come, or are out of reach (W-15: then the call fails at once). */
export function evaluateThreshold<Reply>(count: number, tally: Tally<Reply>): ThresholdOutcome<Reply> {
  const { replies, unanswered, ended, stopped } = tally;
  if (replies.length >= count) return { kind: "reached", replies: replies.slice(0, count) };
  if (ended !== undefined) {
    return failed(count, tally, { reason: "ENDED", code: ended.code, cause: ended, message: ended.message });
  }
  if (replies.length + unanswered.size < count) {
    return failed(count, tally, { reason: "INCOMPLETE", message: "incomplete call" });
  }
  if (!stopped) return { kind: "open" };
  return failed(count, tally, {
    reason: "STOPPED",
    code: Code.FailedPrecondition,
    message: "the waiting has stopped; call the terminals that you need before one of them is settled",
  });
}

function failed(
  count: number,
  { method, size, replies, nodeErrors, unanswered }: Tally<unknown>,
  { message, ...why }: Pick<QuorumCallErrorInit, "reason" | "code" | "cause" | "message">,
): { readonly kind: "failed"; readonly error: QuorateError } {
  const error = new QuorumCallError({
    ...why,
    message: `quorum call error: ${method}: ${message}: ${replies.length} of ${count} replies from ${size} nodes`,
    nodeErrors: new Map(nodeErrors),
    unanswered: [...unanswered],
  });
  return { kind: "failed", error };
}
