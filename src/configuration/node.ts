import type { Channel } from "../../internal/stream/channel.js";
import type { EventHub } from "./quorate-event.js";

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

/** What the calls to a node have in common with all calls of the connection or server that the node belongs to. */
export interface CallSettings {
  /** The time-out of a call that does not say one, in milliseconds; Infinity for none. */
  readonly defaultTimeoutMs: number;
  /** Bytes of one envelope. */
  readonly maxMessageBytes: number;
  readonly events: EventHub;
}

/** The one kind of node there is. Not exported to users, so that none can be made that has no channel. */
export class PeerNode implements Node {
  readonly id: number;
  readonly address: string;
  readonly settings: CallSettings;
  /** The way to the peer now; undefined for a known peer that is not connected. */
  channel: Channel | undefined;

  constructor(id: number, address: string, settings: CallSettings, channel?: Channel) {
    this.id = id;
    this.address = address;
    this.settings = settings;
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
