import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { Channel } from "../../internal/stream/channel.js";
import type { ClientInterceptor } from "./client-interceptor.js";
import type { Node } from "./node.js";
import type { EventHub } from "./quorate-event.js";

/** What the calls to a node have in common with all calls of the connection or server that the node belongs to. */
export interface CallSettings {
  /** The time-out of a call that does not say one, in milliseconds; Infinity for none. */
  readonly defaultTimeoutMs: number;
  /** Bytes of one envelope. */
  readonly maxMessageBytes: number;
  /** Replies of one node to one call that wait to be read, of a method that replies any number of times. */
  readonly maxQueuedReplies: number;
  /** What sees every call. */
  readonly interceptors: readonly ClientInterceptor[];
  readonly events: EventHub;
}

/** The one kind of node there is. Not exported to users, so that none can be made that has no channel. */
export class PeerNode implements Node {
  readonly id: number;
  readonly address: string;
  readonly settings: CallSettings;
  #channel: Channel | undefined;
  #latencyMs: number | undefined;
  #failure: QuorateError | undefined;

  constructor(id: number, address: string, settings: CallSettings, channel?: Channel) {
    this.id = id;
    this.address = address;
    this.settings = settings;
    this.#channel = channel;
  }

  /** The way to the peer now; undefined for a known peer that is not connected. */
  get channel(): Channel | undefined {
    return this.#channel;
  }

  set channel(channel: Channel | undefined) {
    this.#channel = channel;
    if (channel !== undefined) this.recordConnected();
  }

  get host(): string {
    return splitAddress(this.address).host;
  }

  get port(): number | undefined {
    return splitAddress(this.address).port;
  }

  get connected(): boolean {
    return this.#channel?.connected ?? false;
  }

  get inbound(): boolean {
    return this.#channel?.inbound ?? false;
  }

  get pendingCalls(): number {
    return this.#channel?.pendingCalls ?? 0;
  }

  get latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  get lastError(): QuorateError | undefined {
    if (this.#channel === undefined) return nodeNotConnected(this);
    return this.#channel.lastError ?? this.#failure;
  }

  /** The node answered a call: with its first reply, and after so long, if that is to count for the estimate. */
  recordReply(latencyMs: number | undefined): void {
    this.#failure = undefined;
    if (latencyMs === undefined) return;
    const before = this.#latencyMs ?? latencyMs;
    this.#latencyMs = before + newSampleWeight * (latencyMs - before);
  }

  /** A call failed on the way to the node; that its handler failed would be an answer. */
  recordFailure(error: QuorateError): void {
    this.#failure = error;
  }

  /** There is a new stream: what happened on the one before says nothing about it. */
  recordConnected(): void {
    this.#failure = undefined;
  }

  toString(): string {
    return `node ${this.id} | addr: ${this.address}`;
  }
}

/** What a call gets to a known peer that is not connected. */
export function nodeNotConnected(node: Node): QuorateError {
  return new QuorateError(Code.Unavailable, `quorate: stream is down: ${node} is not connected`, {
    reason: "NOT_CONNECTED",
  });
}

/** How much one call changes the estimate of a node's latency (SW-09). */
const newSampleWeight = 0.2;

/** Takes any address, because that of a dynamic client is the transport's; IPv6 may stand there without brackets. */
function splitAddress(address: string): { readonly host: string; readonly port: number | undefined } {
  const match = /^\[?(.*?)\]?:(\d+)$/.exec(address);
  if (match === null) return { host: address, port: undefined };
  return { host: match[1] ?? "", port: Number(match[2]) };
}
