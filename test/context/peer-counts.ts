import type { ContextSession } from "quorate/context";

/** What a session has counted, by the ids of the nodes: `<successes> ok, <failures> failed, <unanswered> open`. */
export function countsOf(session: ContextSession): Record<number, string> {
  const counts = session
    .peers()
    .map(
      ({ node, successes, failures, unanswered }) =>
        [node.id, `${successes} ok, ${failures} failed, ${unanswered} open`] as const,
    );
  return Object.fromEntries(counts);
}

/** One call that was answered. */
export const answered = "1 ok, 0 failed, 0 open";
/** One call that failed. */
export const failed = "0 ok, 1 failed, 0 open";
/** One call whose caller waited no longer. */
export const unanswered = "0 ok, 0 failed, 1 open";
