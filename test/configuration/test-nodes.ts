import { Code, type Configuration, QuorateError } from "quorate";
import { expect } from "vitest";
import type { Channel } from "../../internal/stream/channel.js";
import { NodeSet } from "../../src/configuration/node-set.js";
import { type CallSettings, PeerNode } from "../../src/configuration/peer-node.js";
import { EventHub } from "../../src/configuration/quorate-event.js";

export const settings: CallSettings = {
  defaultTimeoutMs: 1_000,
  maxMessageBytes: 1_000,
  maxQueuedReplies: 16,
  interceptors: [],
  events: new EventHub(undefined),
};

/** A channel that is as it is told to be, and takes no calls. */
export function fakeChannel(state: Partial<Channel> = {}): Channel {
  return {
    connected: true,
    inbound: false,
    lastError: undefined,
    pendingCalls: 0,
    stream: undefined,
    send: (call) => call.fail(new QuorateError(Code.Unavailable, "this channel is none")),
    withdraw: () => {},
    ...state,
  };
}

/** What a node of {@link testNode} has behind it. */
export interface NodePast {
  /** The samples of its latency. */
  readonly latenciesMs?: readonly number[];
  readonly error?: QuorateError;
}

/** A node that is connected and whose calls went like that. */
export function testNode(id: number, { latenciesMs = [], error }: NodePast = {}): PeerNode {
  const node = new PeerNode(id, `127.0.0.1:${9080 + id}`, settings, fakeChannel());
  for (const latencyMs of latenciesMs) node.recordReply(latencyMs);
  if (error !== undefined) node.recordFailure(error);
  return node;
}

/** Ten nodes of one pool. */
export const pool: readonly PeerNode[] = Array.from({ length: 10 }, (_, at) => testNode(at + 1));

/** Nodes of the pool, ordered by id. */
export function configurationOf(...ids: number[]): Configuration {
  return new NodeSet(pool.filter((node) => ids.includes(node.id)));
}

/** Nodes of the pool in the order that is given. */
export function inOrder(...ids: number[]): Configuration {
  return configurationOf(...ids).sortBy((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
}

/** An InvalidArgument error with this text in its message. */
export function invalid(text: string): unknown {
  return expect.objectContaining({
    code: Code.InvalidArgument,
    message: expect.stringContaining(text) as string,
  });
}
