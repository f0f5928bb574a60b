import type { ErrorMatch, NodeErrors } from "./error-match.js";
import type { Node } from "./node.js";
import type { NodeList } from "./node-list.js";
import type { NodeOrder } from "./node-order.js";
import type { WatchOptions } from "./watch.js";

/**
 * An immutable set of nodes, the target of multicasts and quorum calls. Its nodes are ordered by id, unless it was
 * sorted otherwise; sets with more nodes are ordered by id again, parts of it keep its order.
 *
 * Sets made from it share its nodes and their streams. Whatever its order, a call goes to all its nodes.
 */
export interface Configuration extends Iterable<Node> {
  readonly nodes: readonly Node[];
  readonly ids: readonly number[];
  readonly size: number;
  /** The node with this id. Throws NotFound. */
  node(id: number): Node;
  /** Whether a node with this id is in the set. */
  has(id: number): boolean;
  /** Without these nodes, given by id or as nodes. Ids that are not in the set are no error. */
  without(...nodes: readonly (number | Node)[]): Configuration;
  /** Only these of its nodes, given by id or as nodes. Ids that are not in the set are no error. */
  only(...nodes: readonly (number | Node)[]): Configuration;
  /** The first `count` nodes, or all if there are fewer: `sortBy(byLatency).take(3)`. */
  take(count: number): Configuration;
  /** With these nodes as well. Throws InvalidArgument if one id stands for two different nodes. */
  add(...nodes: readonly Node[]): Configuration;
  /** The nodes of both. Throws InvalidArgument if one id stands for two different nodes. */
  union(other: Configuration): Configuration;
  /** The nodes that are not in `other`, by id. */
  difference(other: Configuration): Configuration;
  /**
   * Without the nodes that failed in a call, as its QuorumCallError says; with `matches` only without those whose error fits one of them:
   * `withoutErrors(error, Code.DeadlineExceeded, "NOT_CONNECTED")`. Nodes that had not answered yet stay.
   */
  withoutErrors(error: NodeErrors, ...matches: readonly ErrorMatch[]): Configuration;
  /**
   * The same nodes in this order; where the first says nothing, the next decides, and where none does, nodes stay as
   * they are.
   */
  sortBy(...orders: readonly NodeOrder[]): Configuration;
  /**
   * Yields what `derive` makes of this set: at once, then at every look that finds other nodes or another order. A
   * slow reader gets the newest set only.
   *
   * @throws QuorateError InvalidArgument for an interval that is not positive. What `derive` throws ends the loop.
   */
  watch(
    derive: (configuration: Configuration) => Configuration,
    options: WatchOptions,
  ): AsyncIterable<Configuration>;
  /** Whether both have the same ids in the same order. */
  equals(other: Configuration): boolean;
  /** `{1, 2, 3}`. */
  toString(): string;
}

/** A configuration that was connected, and closes what it connected. */
export interface OwnedConfiguration extends Configuration, AsyncDisposable {
  /**
   * Closes all streams: pending calls fail with Unavailable, `CLOSED`; what was written still arrives at every peer
   * that reads it within `graceMs` (default 1,000). Later calls fail. A second close does nothing.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
  /**
   * Connects to more servers, all or none: a set of the nodes of this one and those of the list, which are closed with
   * this one. This set itself does not change.
   *
   * The addresses of a list are numbered from the largest id on that this connection has ever used. An id with the
   * address that it has already is the node that is there. Without a list, a set of the same nodes.
   *
   * @throws QuorateError InvalidArgument that names the entry of the list; Unavailable, `CLOSED`, after a close.
   */
  extend(nodes?: NodeList): Promise<Configuration>;
}
