/** How many of the nodes make up the configuration: all, if fewer than one or more than there are were asked for. */
export function configurationSize(requested: number, nodes: number): number {
  return requested < 1 || requested > nodes ? nodes : requested;
}

/**
 * How many replies a quorum call waits for: a majority, floor(n / 2) + 1, if fewer than one were asked for, and never
 * more than there are nodes.
 */
export function quorumSize(requested: number, nodes: number): number {
  return requested < 1 ? Math.floor(nodes / 2) + 1 : Math.min(requested, nodes);
}
