import { pick, type Random, randomInteger, seededRandom, shuffled } from "./seeded-random.js";

/** What goes from a client to the server, and back. */
export type Direction = "requests" | "answers";

/** One fault, at one client or at the server. */
export type Fault =
  /** The connection of the client is cut after so many bytes more, be it in the middle of a frame. */
  | { readonly kind: "cut"; readonly client: number; readonly direction: Direction; readonly bytes: number }
  /** A request of the client gets lost, then its connection is cut. Forces a retry. */
  | { readonly kind: "loseRequests"; readonly client: number }
  /** The answer to a transfer that was applied gets lost, then the connection is cut. Forces a replay. */
  | { readonly kind: "loseAnswers"; readonly client: number }
  /** The server is killed after so many milliseconds, whatever it is doing then. */
  | { readonly kind: "kill"; readonly afterMs: number }
  /** The answer to a transfer that was applied gets lost, then the server is killed. Forces a replay by the next one. */
  | { readonly kind: "killUnanswered"; readonly client: number };

/** A fault, and when. */
export interface PlannedFault {
  /** Transfers that are answered between the fault before and this one. */
  readonly afterTransfers: number;
  readonly fault: Fault;
}

/** What a plan is to contain. */
export interface FaultPlanOptions {
  readonly seed: number;
  readonly clients: number;
  /** At least 1. */
  readonly kills: number;
  /** At least 3, for one of each kind. */
  readonly cuts: number;
}

/**
 * Faults in an order, the same for the same options. Whatever the seed, there is at least one fault of each kind (of
 * `kill`, if there are two kills), so that there are requests that were lost and ones that were applied but not
 * answered: without them, a run would prove nothing.
 */
export function planFaults({ seed, clients, kills, cuts }: FaultPlanOptions): PlannedFault[] {
  if (clients < 1 || kills < 1 || cuts < 3) {
    throw new Error(`a plan has a client, a kill and 3 cuts at least: not ${clients}, ${kills} and ${cuts}`);
  }
  const random = seededRandom(seed);
  // One after the other, so that the faults are spread over all of them.
  const order = shuffled(
    random,
    Array.from({ length: clients }, (_, client) => client),
  );
  let turn = 0;
  const faults = [
    ...kinds(random, kills, ["killUnanswered", "kill"]),
    ...kinds(random, cuts, ["loseAnswers", "loseRequests", "cut"]),
  ].map((kind): Fault => {
    if (kind === "kill") return { kind, afterMs: randomInteger(random, 0, 30) };
    const client = order[turn++ % clients] ?? 0;
    return kind === "cut" ? { kind, client, ...place(random) } : { kind, client };
  });
  return shuffled(random, faults).map((fault) => ({
    afterTransfers: randomInteger(random, 20, 100),
    fault,
  }));
}

/** Each of the kinds once, in this order as far as there is room, and then any of them. */
function kinds<const Kind extends Fault["kind"]>(
  random: Random,
  count: number,
  all: readonly [Kind, ...Kind[]],
): Kind[] {
  return Array.from({ length: count }, (_, at) => all[at] ?? pick(random, all));
}

function place(random: Random): { readonly direction: Direction; readonly bytes: number } {
  return { direction: pick(random, ["requests", "answers"]), bytes: randomInteger(random, 1, 500) };
}
