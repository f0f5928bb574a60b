import type { LatencySummary } from "./latencies.js";

/** One key and its value. */
export interface Entry {
  readonly key: string;
  readonly value: string;
}

/** What the demo can have a server do. */
export type ServerCommands = {
  /** Waits until just so many peers are connected, the server included. */
  readonly waitForPeers: (count: number) => Promise<void>;
  /** Waits until just so many dynamic clients are connected. */
  readonly waitForClients: (count: number) => Promise<void>;
  /** The ids of the peers that are connected. */
  readonly peers: () => Promise<number[]>;
  /** Asks each client by RPC how many changes it was told of. */
  readonly countChanges: () => Promise<number[]>;
};

/** What the demo can have a client do. */
export type ClientCommands = {
  /** Writes each entry by a quorum call, one after the other. */
  readonly write: (entries: readonly Entry[]) => Promise<LatencySummary>;
  /** Reads each key by a quorum call, and tells what differs. */
  readonly check: (entries: readonly Entry[]) => Promise<LatencySummary & { readonly wrong: string[] }>;
  /** Writes at one server by RPC; says whether it took the value. */
  readonly writeAt: (entry: Entry & { readonly server: number }) => Promise<boolean>;
  /** Reads at one server by RPC. */
  readonly readAt: (at: { readonly key: string; readonly server: number }) => Promise<string>;
  /** Writes through one server, which writes at a majority of its peers. */
  readonly writeNested: (entry: Entry & { readonly server: number }) => Promise<boolean>;
  /** Writes one entry at server 1 and the other at all servers, without waiting for them. */
  readonly writeOneWay: (entries: { readonly unicast: Entry; readonly multicast: Entry }) => Promise<void>;
  /** The ids of the servers that have told of a value. */
  readonly announcedBy: (entry: Entry) => Promise<number[]>;
  /** Begins to write by quorum calls, on and on. */
  readonly startWriting: (prefix: string) => Promise<void>;
  /** How many of those writes a majority has answered; fails if one of them did. */
  readonly written: () => Promise<number>;
  /** Ends the writing; fails if one of the writes did. */
  readonly stopWriting: () => Promise<LatencySummary>;
};
