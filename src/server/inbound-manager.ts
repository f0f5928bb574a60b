import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { Channel } from "../../internal/stream/channel.js";
import type { Configuration } from "../configuration/configuration.js";
import { firstDynamicId, type NodeAddress } from "../configuration/node-list.js";
import { emptyConfiguration, NodeSet } from "../configuration/node-set.js";
import { type CallSettings, PeerNode } from "../configuration/peer-node.js";
import type { EventHub } from "../configuration/quorate-event.js";
import { ConfigurationWaiters } from "./configuration-waiters.js";
import type { PeerClaim } from "./peer-identity.js";

/** What an {@link InboundManager} is made of. */
export interface InboundManagerInit {
  /** The nodes of the list; this server among them, if it has an id. */
  readonly known: readonly NodeAddress[];
  /** This server, connected to itself. */
  readonly self: PeerNode | undefined;
  readonly calls: CallSettings;
  readonly maxDynamicClients: number;
  /** Dynamic clients are numbered from the next id on. Default: from {@link firstDynamicId} on. */
  readonly lastDynamicId?: number;
  readonly events: EventHub;
  readonly onPeersChange: ((peers: Configuration) => void) | undefined;
  readonly onClientsChange: ((clients: Configuration) => void) | undefined;
}

/** The largest id is left out, as in Gorums. */
const lastClientId = 0xffff_fffe;

/**
 * Knows who is connected to a server: the known peers of its list, and the dynamic clients, which it numbers. Keeps
 * an immutable configuration of each, replaced at every change.
 *
 * A known peer keeps its node while it is away (KP-12); a dynamic client that comes back is a new node.
 */
export class InboundManager {
  readonly #init: InboundManagerInit;
  readonly #known: ReadonlyMap<number, PeerNode>;
  readonly #dynamic = new Map<number, PeerNode>();
  readonly #peerWaiters = new ConfigurationWaiters("peers", () => this.#peers);
  readonly #clientWaiters = new ConfigurationWaiters("clients", () => this.#clients);
  #peers: NodeSet = emptyConfiguration;
  #clients: NodeSet = emptyConfiguration;
  #lastDynamicId: number;

  constructor(init: InboundManagerInit) {
    this.#init = init;
    this.#lastDynamicId = init.lastDynamicId ?? firstDynamicId - 1;
    this.#known = new Map(
      init.known.map(({ id, address }) => [
        id,
        id === init.self?.id ? init.self : new PeerNode(id, address, init.calls),
      ]),
    );
    this.#rebuildPeers();
  }

  /** The known peers that are connected, this server included. */
  get peers(): Configuration {
    return this.#peers;
  }

  /** The dynamic clients that are connected. */
  get clients(): Configuration {
    return this.#clients;
  }

  get peerWaiters(): ConfigurationWaiters {
    return this.#peerWaiters;
  }

  get clientWaiters(): ConfigurationWaiters {
    return this.#clientWaiters;
  }

  /**
   * The node that a stream with this claim stands for; undefined for a stream that is served and not tracked: one
   * without a claim, or with an id that is not in the list.
   *
   * @throws QuorateError ResourceExhausted if there are too many dynamic clients.
   */
  nodeFor(claim: PeerClaim, remoteAddress: string): PeerNode | undefined {
    if (claim.kind === "plain") return undefined;
    if (claim.kind === "node") return this.#known.get(claim.id);
    const { maxDynamicClients, calls, events } = this.#init;
    const full = this.#dynamic.size >= maxDynamicClients;
    if (full || this.#lastDynamicId >= lastClientId) {
      events.emit({ kind: "limitReached", limit: "dynamicClients", nodeId: undefined });
      // The text of Gorums (F-31): ids are never used again, and there are no more.
      const message = full
        ? `quorate: no more dynamic clients: ${this.#dynamic.size} are connected (maxDynamicClients)`
        : "gorums: dynamic client ID space exhausted";
      throw new QuorateError(Code.ResourceExhausted, message, { reason: "TOO_MANY_CLIENTS" });
    }
    this.#lastDynamicId += 1;
    return new PeerNode(this.#lastDynamicId, remoteAddress, calls);
  }

  /** Makes a stream the way to the node, in place of an older one. */
  attach(node: PeerNode, channel: Channel): void {
    node.channel = channel;
    if (node.id >= firstDynamicId) {
      this.#dynamic.set(node.id, node);
      this.#rebuildClients();
    } else {
      this.#rebuildPeers();
    }
  }

  /** Takes the stream away from the node. Only the newest may: an older one that ends late must not remove it. */
  detach(node: PeerNode, channel: Channel): void {
    if (node.channel !== channel) return;
    if (node.id >= firstDynamicId) {
      // The node keeps its ended channel, which tells late callers that the stream was lost.
      if (this.#dynamic.delete(node.id)) this.#rebuildClients();
    } else {
      node.channel = undefined;
      this.#rebuildPeers();
    }
  }

  /** Ends all waits. */
  close(): void {
    this.#peerWaiters.close();
    this.#clientWaiters.close();
  }

  #rebuildPeers(): void {
    const peers = new NodeSet([...this.#known.values()].filter((node) => node.channel !== undefined));
    if (peers.equals(this.#peers)) return;
    this.#peers = peers;
    const { onPeersChange, events } = this.#init;
    if (onPeersChange !== undefined) events.guard("onPeersChange", () => onPeersChange(peers));
    this.#peerWaiters.changed();
  }

  #rebuildClients(): void {
    const clients = new NodeSet(this.#dynamic.values());
    this.#clients = clients;
    const { onClientsChange, events } = this.#init;
    if (onClientsChange !== undefined) events.guard("onClientsChange", () => onClientsChange(clients));
    this.#clientWaiters.changed();
  }
}
