import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import type { Configuration } from "./configuration.js";
import { type ErrorMatch, matchesError, type NodeErrors } from "./error-match.js";
import type { Node } from "./node.js";
import { byId, type NodeOrder } from "./node-order.js";
import { PeerNode } from "./peer-node.js";
import { type WatchOptions, watchChanges } from "./watch.js";

/** The one kind of configuration there is. */
export class NodeSet implements Configuration {
  readonly nodes: readonly PeerNode[];
  readonly ids: readonly number[];

  /** @param order `asGiven` keeps the order of the nodes */
  constructor(nodes: Iterable<PeerNode>, order: "byId" | "asGiven" = "byId") {
    this.nodes = Object.freeze(order === "byId" ? [...nodes].sort(byId) : [...nodes]);
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
    const ids = idsOf(nodes);
    return this.#part(({ id }) => !ids.has(id));
  }

  only(...nodes: readonly (number | Node)[]): Configuration {
    const ids = idsOf(nodes);
    return this.#part(({ id }) => ids.has(id));
  }

  take(count: number): Configuration {
    if (!Number.isInteger(count) || count < 0) {
      throw invalidArgument(`take needs a number of nodes from 0 on; it is ${count}`);
    }
    return this.#part((_, at) => at < count);
  }

  add(...nodes: readonly Node[]): Configuration {
    return this.#joined(nodes.map(peerNodeOf));
  }

  union(other: Configuration): Configuration {
    return this.#joined(nodesOf(other));
  }

  difference(other: Configuration): Configuration {
    return this.#part(({ id }) => !other.has(id));
  }

  withoutErrors({ nodeErrors }: NodeErrors, ...matches: readonly ErrorMatch[]): Configuration {
    return this.#part(({ id }) => {
      const error = nodeErrors.get(id);
      return error === undefined || (matches.length > 0 && !matchesError(error, matches));
    });
  }

  sortBy(...orders: readonly NodeOrder[]): Configuration {
    if (orders.some((order) => typeof order !== "function")) {
      throw invalidArgument("sortBy needs functions that compare two nodes, such as byLatency");
    }
    const compare: NodeOrder = (a, b) => {
      for (const order of orders) {
        const result = order(a, b);
        if (result !== 0) return result;
      }
      return 0;
    };
    return new NodeSet([...this.nodes].sort(compare), "asGiven");
  }

  watch(
    derive: (configuration: Configuration) => Configuration,
    options: WatchOptions,
  ): AsyncIterable<Configuration> {
    if (typeof derive !== "function") {
      throw invalidArgument(`Watch derive function must be a function; it is ${String(derive)}`);
    }
    const derived = () => {
      const configuration = derive(this);
      nodesOf(configuration);
      return configuration;
    };
    return watchChanges(derived, options);
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

  #part(keep: (node: PeerNode, at: number) => boolean): Configuration {
    return new NodeSet(this.nodes.filter(keep), "asGiven");
  }

  #joined(nodes: readonly PeerNode[]): Configuration {
    const joined = new Map(this.nodes.map((node) => [node.id, node]));
    for (const node of nodes) {
      const known = joined.get(node.id);
      if (known !== undefined && known !== node) {
        throw invalidArgument(
          `cannot unite configurations in which id ${node.id} stands for different nodes ` +
            `(${known.address} and ${node.address}, or two connections to one address)`,
        );
      }
      joined.set(node.id, node);
    }
    return new NodeSet(joined.values());
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

function idsOf(nodes: readonly (number | Node)[]): ReadonlySet<number> {
  return new Set(nodes.map((node) => (typeof node === "number" ? node : node.id)));
}
