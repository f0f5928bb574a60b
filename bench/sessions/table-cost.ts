import { InFlight } from "../../src/sessions/server/in-flight.js";
import { checkRequest } from "../../src/sessions/server/session-check.js";
import type { ClientTable } from "../../src/sessions/table/client-table.js";
import { echo, recordOf, type TableClient, tableWithSessions } from "./table-with-sessions.js";

/** What one request takes of a table of so many sessions. */
export interface TableCost {
  readonly sessions: number;
  /** Requests that were measured. */
  readonly requests: number;
  /** Microseconds of the check, all rows of it. */
  readonly checkMicros: number;
  /** Microseconds of applying the entry, which was decoded before, on a state machine that does nothing. */
  readonly applyMicros: number;
}

/**
 * Measures requests of sessions in random order, for so many milliseconds behind a warm-up, in which each session has had
 * two requests at least.
 */
export function measureTableCost(sessions: number, timeMs: number, warmupMs: number): TableCost {
  const { table, clients } = tableWithSessions(sessions);
  const steps = new Steps(table, shuffled(clients));
  steps.run(warmupMs, 2 * sessions);
  return { sessions, ...steps.run(timeMs, 1) };
}

/** Sends requests through a table, session after session, again and again. */
class Steps {
  readonly #table: ClientTable;
  readonly #clients: readonly TableClient[];
  readonly #flights = new InFlight<undefined>();
  #at = 0;
  #round = 1;
  #op: number;

  constructor(table: ClientTable, clients: readonly TableClient[]) {
    this.#table = table;
    this.#clients = clients;
    this.#op = table.appliedOp;
  }

  run(timeMs: number, atLeast: number): Omit<TableCost, "sessions"> {
    let requests = 0;
    let checkMs = 0;
    let applyMs = 0;
    do {
      const stamps = this.#nextStamps();
      const records = stamps.map((stamp, at) => recordOf(at, { kind: "request", stamp, method, payload }));
      const start = performance.now();
      const accepted = stamps.filter((stamp) => this.#isAccepted(stamp)).length;
      const checked = performance.now();
      const applied = records.filter((record) => this.#isApplied(record)).length;
      applyMs += performance.now() - checked;
      checkMs += checked - start;
      requests += stamps.length;
      if (accepted < stamps.length || applied < stamps.length) throw new Error("a request was not applied");
    } while (checkMs + applyMs < timeMs || requests < atLeast);
    return {
      requests,
      checkMicros: (checkMs / requests) * 1_000,
      applyMicros: (applyMs / requests) * 1_000,
    };
  }

  /** No session twice, since the second request of it would be a gap until the first is applied. */
  #nextStamps(): Stamp[] {
    const clients = this.#clients.slice(this.#at, this.#at + batch);
    const [request, respondedTo] = [this.#round, this.#round - 1];
    this.#at += batch;
    if (this.#at >= this.#clients.length) {
      this.#at = 0;
      this.#round += 1;
    }
    return clients.map(({ client, session }) => ({ client, session, request, respondedTo, digest }));
  }

  #isAccepted(stamp: Stamp): boolean {
    return checkRequest(this.#table, this.#flights, stamp, stream, firstCheck).kind === "accept";
  }

  #isApplied(record: ReturnType<typeof recordOf>): boolean {
    this.#op += 1;
    return this.#table.apply(this.#op, record, echo).kind === "applied";
  }
}

type Stamp = Parameters<typeof checkRequest>[2];

const batch = 1_000;
const method = "bench.sessions.v1.CountedEcho.Echo";
const digest = "03".repeat(8);
const payload = new Uint8Array(16);
const stream = { user: "", bound: true };
const firstCheck = { afterBarrier: false };

/** In random order (Fisher and Yates), so that neighbours in time are none in memory. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    const [a, b] = [order[last], order[other]];
    if (a === undefined || b === undefined) continue;
    order[last] = b;
    order[other] = a;
  }
  return order;
}
