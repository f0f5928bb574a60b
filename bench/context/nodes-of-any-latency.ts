import { NodeSet } from "../../src/configuration/node-set.js";
import { type CallSettings, PeerNode } from "../../src/configuration/peer-node.js";
import { EventHub } from "../../src/configuration/quorate-event.js";

/** Nodes without connections whose latencies are in no order, and the same in each run. */
export function nodesOfAnyLatency(count: number): NodeSet {
  return new NodeSet(
    Array.from({ length: count }, (_, at) => {
      const node = new PeerNode(at + 1, `127.0.0.1:${at + 1}`, settings);
      // Multiples of the golden ratio, without what is before the point, lie everywhere and never in order.
      node.recordReply(1 + 99 * ((at * 0.618_033_988_75) % 1));
      return node;
    }),
  );
}

const settings: CallSettings = {
  defaultTimeoutMs: Number.POSITIVE_INFINITY,
  maxMessageBytes: 1_000,
  maxQueuedReplies: 1,
  interceptors: [],
  events: new EventHub(undefined),
};
