import type { ServerTotals } from "./bank-server.js";
import type { ClientReport } from "./commands.js";

/** What clients and servers have counted together. */
export interface LoadReport {
  /** Transfers with a receipt, which the ledger confirms. */
  readonly transfers: number;
  /** Transfers that the bank refused, and that are not in the ledger. */
  readonly refused: number;
  /** Times that a client read the totals while transfers went on. */
  readonly audits: number;
  /** Times that a client registered its session, at first and after faults. */
  readonly registrations: number;
  /** Requests that a client wrote once more, as its session counts. */
  readonly retries: number;
  /**
   * Requests that came to a server which knew them, at least: as the servers count, without what each counted between the
   * last look at it and its SIGKILL, or the replays, if those are more.
   */
  readonly duplicates: number;
  /** Those that came while the first one was still under way, by the count of the servers. */
  readonly joined: number;
  /**
   * Receipts that were a kept reply for certain, as the clients see it: their transfers were applied before the
   * registration under which they came. Needs no counter of the library.
   */
  readonly replays: number;
  /** Snapshots that the servers stored, by the same count. */
  readonly snapshots: number;
  /** Processes of the server that began with a snapshot. */
  readonly restores: number;
}

/** Adds up what each client and each server has counted. */
export function addUp(clients: readonly ClientReport[], servers: readonly ServerTotals[]): LoadReport {
  const add = (name: keyof ClientReport) => sum(clients.map((client) => client[name]));
  const addServers = (name: keyof ServerTotals) => sum(servers.map((server) => server[name]));
  return {
    transfers: add("transfers"),
    refused: add("refused"),
    audits: add("audits"),
    registrations: add("registrations"),
    retries: add("retries"),
    duplicates: Math.max(addServers("joined") + addServers("replayed"), add("replays")),
    joined: addServers("joined"),
    replays: add("replays"),
    snapshots: addServers("snapshots"),
    restores: addServers("restores"),
  };
}

/** All of them added up. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
