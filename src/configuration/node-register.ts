import { invalidArgument } from "../../internal/errors/quorate-error.js";
import { endpointsOf } from "./endpoints.js";
import { checkId, type ListEntry, type NodeAddress, type NodeList, parseNodeList } from "./node-list.js";

/**
 * Checks a node list and returns its entries by ascending id. Names are looked up only to find two spellings of one
 * endpoint; what does not resolve now may do so later (W-27).
 *
 * @throws QuorateError InvalidArgument that names the entry.
 */
export async function readNodeList(nodes: NodeList): Promise<NodeAddress[]> {
  return new NodeRegister().admit(nodes);
}

/** A node with all spellings of its endpoints. */
interface RegisteredNode extends NodeAddress {
  readonly endpoints: ReadonlySet<string>;
}

/** Knows which ids and endpoints the nodes of one connection have. What it knows once it never forgets. */
export class NodeRegister {
  readonly #byId = new Map<number, RegisteredNode>();
  readonly #byEndpoint = new Map<string, RegisteredNode>();
  #admitting: Promise<void> = Promise.resolve();

  /**
   * Takes up all entries of a list, or none, and returns them by ascending id. Addresses without ids are numbered from
   * the largest known id on. A known id with one of its endpoints is the node that is known.
   *
   * Lists that are given at the same time are taken up in the order of the calls, so that the ids do not depend on
   * how long look-ups take (W-29).
   *
   * @throws QuorateError InvalidArgument that names the entry.
   */
  async admit(nodes: NodeList): Promise<NodeAddress[]> {
    const entries = parseNodeList(nodes);
    const lookups = Promise.all(entries.map(({ address }) => endpointsOf(address)));
    const admitted = this.#admitting.then(async () => this.#take(entries, await lookups));
    this.#admitting = admitted.then(
      () => {},
      () => {},
    );
    return admitted;
  }

  /** Waits for nothing, so that nothing changes between the check and the change. */
  #take(entries: readonly ListEntry[], endpoints: readonly ReadonlySet<string>[]): NodeAddress[] {
    const firstId = Math.max(0, ...this.#byId.keys()) + 1;
    const listed = entries
      .map(({ id, address }, at) => ({
        id: id ?? firstId + at,
        address,
        endpoints: endpoints[at] ?? new Set<string>(),
      }))
      .sort((a, b) => a.id - b.id);
    const fresh = new Map<number, RegisteredNode>();
    const owners = new Map(this.#byEndpoint);
    for (const node of listed) {
      const known = this.#byId.get(node.id);
      if (known !== undefined && shareOne(known.endpoints, node.endpoints)) continue;
      checkId(node.id);
      const holder = known ?? fresh.get(node.id);
      if (holder !== undefined) {
        throw invalidArgument(`node ${node.id} already in use by "${holder.address}"`);
      }
      for (const endpoint of node.endpoints) refuseOwned(endpoint, node, owners.get(endpoint));
      for (const endpoint of node.endpoints) owners.set(endpoint, node);
      fresh.set(node.id, node);
    }
    for (const [id, node] of fresh) {
      this.#byId.set(id, node);
      for (const endpoint of node.endpoints) this.#byEndpoint.set(endpoint, node);
    }
    return listed.map(({ id, address }) => ({ id, address: this.#byId.get(id)?.address ?? address }));
  }
}

function refuseOwned(endpoint: string, node: NodeAddress, owner: NodeAddress | undefined): void {
  if (owner === undefined) return;
  const spelled =
    node.address === endpoint && owner.address === endpoint
      ? ""
      : ` (node ${owner.id} is "${owner.address}", node ${node.id} is "${node.address}")`;
  throw invalidArgument(`address "${endpoint}" already in use by node ${owner.id}${spelled}`);
}

function shareOne(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  return [...left].some((one) => right.has(one));
}
