import type { Configuration } from "../configuration/configuration.js";
import type { Node } from "../configuration/node.js";
import type { EventCounters } from "../configuration/quorate-event.js";
import type { AcceptedPeer } from "./accepted-peer.js";

/** A server at one moment, as plain data. */
export interface ServerSnapshot {
  readonly address: string;
  readonly nodeId: number | undefined;
  readonly peers: readonly NodeSnapshot[];
  readonly clients: readonly NodeSnapshot[];
  /** The outbound configuration. */
  readonly configuration: readonly NodeSnapshot[];
  /** The streams that peers opened to this server. */
  readonly streams: readonly StreamSnapshot[];
  /** How often each kind of event has happened since the server was made. */
  readonly counters: EventCounters;
}

/** A node at one moment. */
export interface NodeSnapshot {
  readonly id: number;
  readonly address: string;
  readonly connected: boolean;
  /** Calls of this server that are queued or wait for replies. */
  readonly pendingCalls: number;
}

/** An accepted stream at one moment. */
export interface StreamSnapshot {
  readonly connectionId: number;
  readonly remoteAddress: string;
  /** Undefined for a peer that offered no way back. */
  readonly nodeId: number | undefined;
  /** Requests of the peer that are queued, running, or whose reply is not written yet. */
  readonly requests: number;
  /** Bytes of the envelopes of those requests. */
  readonly requestBytes: number;
  /** Whether reading is paused, because the request queue is full. */
  readonly paused: boolean;
  /** Whether every request on the stream is refused. */
  readonly refused: boolean;
}

/** The nodes of a configuration as plain data. */
export function nodeSnapshots(configuration: Configuration): NodeSnapshot[] {
  return configuration.nodes.map(({ id, address, connected, pendingCalls }: Node) => ({
    id,
    address,
    connected,
    pendingCalls,
  }));
}

/** An accepted stream as plain data. */
export function streamSnapshot({ channel, connection, node, refused }: AcceptedPeer): StreamSnapshot {
  const { requests, requestBytes, readingPaused } = channel.stream;
  return {
    connectionId: connection.id,
    remoteAddress: connection.remoteAddress,
    nodeId: node?.id,
    requests,
    requestBytes,
    paused: readingPaused,
    refused,
  };
}
