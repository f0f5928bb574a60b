import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import { type Node, PeerNode } from "./node.js";

/**
 * An immutable set of nodes, the target of multicasts and quorum calls. Its nodes are ordered by id.
 *
 * Sets made from it share its nodes and their streams.
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
  /** The nodes of both. Throws InvalidArgument if one id stands for two different nodes. */
  union(other: Configuration): Configuration;
  /** The nodes that are not in `other`, by id. */
  difference(other: Configuration): Configuration;
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
}

/** The one kind of configuration there is. */
export class NodeSet implements Configuration {
  readonly nodes: readonly PeerNode[];
  readonly ids: readonly number[];

  constructor(nodes: Iterable<PeerNode>) {
    this.nodes = Object.freeze([...nodes].sort((a, b) => a.id - b.id));
    this.ids = Object.freeze(this.nodes.map((node) => node.id));
  }

  get size(): number {
    return this.nodes.length;
  }

  node(id: number): PeerNode {
    const found = this.nodes.find((node) => node.id === id);
    if (found !== undefined) return found;
    throw new QuorateError(Code.NotFound, `quorate: no node ${id} in the configuration ${this}`);
  }

  has(id: number): boolean {
    return this.ids.includes(id);
  }

  without(...nodes: readonly (number | Node)[]): Configuration {
    const ids = new Set(nodes.map((node) => (typeof node === "number" ? node : node.id)));
    return new NodeSet(this.nodes.filter((node) => !ids.has(node.id)));
  }

  union(other: Configuration): Configuration {
    const byId = new Map(this.nodes.map((node) => [node.id, node]));
    for (const node of nodesOf(other)) {
      const known = byId.get(node.id);
      if (known !== undefined && known !== node) {
        throw invalidArgument(
          `cannot unite configurations in which id ${node.id} stands for different nodes ` +
            `(${known.address} and ${node.address}, or two connections to one address)`,
        );
      }
      byId.set(node.id, node);
    }
    return new NodeSet(byId.values());
  }

  difference(other: Configuration): Configuration {
    return new NodeSet(this.nodes.filter((node) => !other.has(node.id)));
  }

  equals(other: Configuration): boolean {
    return this.size === other.size && this.ids.every((id, at) => id === other.ids[at]);
  }

  toString(): string {
    return `{${this.ids.join(", ")}}`;
  }

  [Symbol.iterator](): Iterator<Node> {
    return this.nodes[Symbol.iterator]();
  }
}

/** The configuration without nodes. */
export const emptyConfiguration: NodeSet = new NodeSet([]);

/** The nodes behind a configuration. Throws InvalidArgument for an object that only looks like one. */
export function nodesOf(configuration: Configuration): readonly PeerNode[] {
  if (configuration instanceof NodeSet) return configuration.nodes;
  throw invalidArgument("this is no configuration; get one from connect(), a server or a handler's context");
}

/** The node behind the interface. Throws InvalidArgument for anything that is no node and no configuration of ours. */
export function peerNodeOf(target: Node | Configuration): PeerNode {
  if (target instanceof PeerNode) return target;
  throw invalidArgument("only a configuration, or a node of one, can be called");
}
