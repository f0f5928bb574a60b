import type { Channel } from "../../internal/stream/channel.js";

/** A peer that can be called: a server that was dialled, a known peer, a dynamic client, or this process itself. */
export interface Node {
  /** 1 to 2^20-1 for nodes of a list, from 2^20 for dynamic clients. */
  readonly id: number;
  /** `host:port` as given; of a dynamic client, where it connected from. */
  readonly address: string;
  /** Whether there is a stream to the node now. */
  readonly connected: boolean;
  /** Calls of this side to the node that are queued or wait for replies. */
  readonly pendingCalls: number;
  /** `node 1 | addr: 127.0.0.1:9081`. */
  toString(): string;
}

/** What a call takes when it does not say otherwise; belongs to the pool that a node came from. */
export interface CallDefaults {
  /** Milliseconds; Infinity for none. */
  readonly defaultTimeoutMs: number;
  /** Bytes of one envelope. */
  readonly maxMessageBytes: number;
}

/** The one kind of node there is. Not exported to users, so that none can be made that has no channel. */
export class PeerNode implements Node {
  readonly id: number;
  readonly address: string;
  readonly defaults: CallDefaults;
  /** The way to the peer now; undefined for a known peer that is not connected. */
  channel: Channel | undefined;

  constructor(id: number, address: string, defaults: CallDefaults, channel?: Channel) {
    this.id = id;
    this.address = address;
    this.defaults = defaults;
    this.channel = channel;
  }

  get connected(): boolean {
    return this.channel?.connected ?? false;
  }

  get pendingCalls(): number {
    return this.channel?.pendingCalls ?? 0;
  }

  toString(): string {
    return `node ${this.id} | addr: ${this.address}`;
  }
}
