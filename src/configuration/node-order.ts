import type { Node } from "./node.js";

/**
 * Which of two nodes comes first: below 0 for `a`, above 0 for `b`, 0 if it does not matter. For
 * `configuration.sortBy`.
 */
export type NodeOrder = (a: Node, b: Node) => number;

/** By ascending id. */
export function byId(a: Node, b: Node): number {
  return a.id - b.id;
}

/** Nodes without a last error first. */
export function byLastError(a: Node, b: Node): number {
  return Number(a.lastError !== undefined) - Number(b.lastError !== undefined);
}

/** By ascending latency; nodes that were not measured yet come last. */
export function byLatency(a: Node, b: Node): number {
  const [first, second] = [a.latencyMs, b.latencyMs];
  if (first === undefined || second === undefined) {
    return Number(first === undefined) - Number(second === undefined);
  }
  return first - second;
}
