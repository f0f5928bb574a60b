import { pick, type Random, randomInteger, seededRandom, shuffled } from "../demo/seeded-random.js";

/** One fault: at a server of the bank, counted from 0, or at the leader of etcd. */
export type ClusterFault =
  /** The server is killed after so many milliseconds, whatever it is doing then. */
  | { readonly kind: "kill"; readonly server: number; readonly afterMs: number }
  /** The answers of the server get lost until it has applied a transfer, then it is killed. Forces a replay elsewhere. */
  | { readonly kind: "killUnanswered"; readonly server: number }
  /** The process of the server is stopped, and goes on later as if nothing had been. */
  | { readonly kind: "pause"; readonly server: number }
  /** The member of etcd that leads is killed after so many milliseconds. */
  | { readonly kind: "killLeader"; readonly afterMs: number };

/** A fault, and when. */
export interface PlannedClusterFault {
  /** Transfers that are answered between the fault before and this one. */
  readonly afterTransfers: number;
  readonly fault: ClusterFault;
}

/** What a plan is to contain. */
export interface ClusterPlanOptions {
  readonly seed: number;
  /** At least 1, for one that forces a replay. */
  readonly kills: number;
  readonly leaderKills: number;
  readonly pauses: number;
}

/** Servers of the bank. */
export const bankServers = 3;

/**
 * Faults in an order, the same for the same options. No server is killed twice before each was killed once. None is hit
 * twice in a row: a server that has just lost its clients has none that could notice.
 */
export function planClusterFaults({
  seed,
  kills,
  leaderKills,
  pauses,
}: ClusterPlanOptions): PlannedClusterFault[] {
  if (kills < 1) throw new Error(`a plan has a kill at least: not ${kills}`);
  const random = seededRandom(seed);
  const order = shuffled(random, [
    ...Array.from({ length: kills }, (_, at) => (at === 0 ? "killUnanswered" : pick(random, killKinds))),
    ...Array.from({ length: leaderKills }, () => "killLeader" as const),
    ...Array.from({ length: pauses }, () => "pause" as const),
  ]);
  const choice = new ServerOrder(random);
  return order.map((kind) => ({
    afterTransfers: randomInteger(random, 500, 2_000),
    fault: makePlanned(kind, choice, random),
  }));
}

const killKinds = ["kill", "killUnanswered"] as const;

function makePlanned(kind: ClusterFault["kind"], servers: ServerOrder, random: Random): ClusterFault {
  switch (kind) {
    case "killLeader":
      return { kind, afterMs: randomInteger(random, 0, 30) };
    case "pause":
      return { kind, server: servers.nextPaused() };
    case "kill":
      return { kind, server: servers.nextKilled(), afterMs: randomInteger(random, 0, 30) };
    default:
      return { kind, server: servers.nextKilled() };
  }
}

/** Chooses servers. */
class ServerOrder {
  readonly #random: Random;
  /** Those that are to be killed before any other. */
  #due: readonly number[] = allServers;
  #last: number | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  nextKilled(): number {
    const server = this.#choose(this.#due);
    const due = this.#due.filter((other) => other !== server);
    this.#due = due.length === 0 ? allServers : due;
    return server;
  }

  /** Not the one that must be killed next: it would be hit twice in a row. */
  nextPaused(): number {
    return this.#choose(allServers.filter((server) => this.#due.length > 1 || server !== this.#due[0]));
  }

  #choose(servers: readonly number[]): number {
    const [first = 0, ...others] = servers.filter((server) => server !== this.#last);
    this.#last = pick(this.#random, [first, ...others]);
    return this.#last;
  }
}

const allServers: readonly number[] = Array.from({ length: bankServers }, (_, server) => server);
