import type { Node } from "../configuration/node.js";
import { byLatency, type NodeOrder } from "../configuration/node-order.js";
import { OpenContextSession } from "./open-context-session.js";

/**
 * Makes an order by what a context session has learned: who answers, and soonest, comes first. The session is the one in
 * which the order was made as long as that is open, so that `prefer` of a client session goes by it; else the one in which
 * nodes are compared. Without any it is `byLatency`.
 */
export function byUsefulness(): NodeOrder {
  const origin = OpenContextSession.current();
  return (a: Node, b: Node) => {
    const session = origin?.isOpen ? origin : OpenContextSession.current();
    return session === undefined ? byLatency(a, b) : session.tracker.compare(a, b);
  };
}
