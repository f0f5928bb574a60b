import { seededRandom } from "../../helpers/seeded-random.js";
import { createFaultNetwork } from "./fault-network.js";
import { type FaultKind, Faults, pause } from "./faults.js";
import { findProblems } from "./find-problems.js";
import { History } from "./history.js";
import { etcdStore, memoryStore } from "./log-store.js";
import { SimulatedClient } from "./simulated-client.js";
import { SimulatedServer } from "./simulated-server.js";
import { runInVirtualTime } from "./virtual-time.js";
import type { Totals, Workload, World } from "./world.js";

/** What came of a run. */
export interface Simulated {
  readonly history: History;
  /** What should not have been, in words; empty for a good run. */
  readonly problems: readonly string[];
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly totals: Totals;
}

/** Timers and turns that a run may take; most take a thirtieth of it. */
const maxEvents = 60_000;

/**
 * Lets clients work with a register on several servers while everything goes wrong that the seed says, then lets nothing
 * go wrong any more, and looks for what should not have been. The same seed is the same run.
 */
export async function simulate(seed: number): Promise<Simulated> {
  const random = seededRandom(seed);
  const failing = () =>
    new Promise<Simulated>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(why));
      run(createWorld(seed, new Faults(random), fail)).then(resolve, reject);
    });
  return runInVirtualTime(failing, { random, maxEvents });
}

async function run(world: World): Promise<Simulated> {
  const { faults, history, nodes, problems, store, totals } = world;
  const servers = nodes.map((address) => new SimulatedServer(address, world));
  const done = new AbortController();
  const disturbingLog = store.disturb(done.signal);
  await Promise.all(servers.map((server) => server.start()));
  const clients = Array.from({ length: faults.integer(4, 5) }, (_, at) => {
    return new SimulatedClient(String.fromCharCode(97 + at), world);
  });
  const disturbing = disturb(servers, world, done.signal);
  await Promise.all(clients.map((client) => client.run(faults.integer(7, 11))));
  faults.heal();
  done.abort();
  await Promise.all([disturbing, disturbingLog]);
  await readAll(world);
  await findProblems(servers, world);
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(servers.map((server) => server.close()));
  // Until the last of what was late or cut is gone.
  await pause(20_000);
  return { history, problems, faults: faults.counts, totals };
}

/** Every fourth run has its log in an etcd. */
function createWorld(seed: number, faults: Faults, fail: World["fail"]): World {
  const nodes = Array.from({ length: faults.integer(2, 3) }, (_, at) => `127.0.0.1:${9_001 + at}`);
  return {
    faults,
    network: createFaultNetwork(faults),
    store: seed % 4 === 0 ? etcdStore(faults) : memoryStore(faults),
    history: new History(),
    nodes,
    ...limitsOf(faults),
    settings: {
      snapshotEvery: faults.pick([7, 25, 1_000]),
      checkEvery: faults.pick([5, 25]),
      maxWaitMs: faults.pick([200, 2_000, 30_000]),
    },
    workload: {
      keys: faults.pick(allKeys),
      calls: faults.pick(allCalls),
    },
    problems: [],
    fail,
    totals: { joined: 0, replayed: 0, ended: 0, restored: 0, recovered: 0 },
  };
}

/** Where there is one key, everything is in the way of everything. */
const allKeys: readonly [Workload["keys"], ...Workload["keys"][]] = [["x", "y", "z"], ["x", "z"], ["x"]];

const allCalls: readonly [Workload["calls"], ...Workload["calls"][]] = [
  ["read", "read", "append", "append", "write", "compareAndSet"],
  ["read", "read", "read", "append"],
  ["read", "append", "append", "append", "compareAndSet"],
];

/** Of every other run they are so tight that sessions are too many for their places, or expire while their client is away. */
function limitsOf(faults: Faults): Pick<World, "limits" | "sessionsEnd"> {
  const idleTimeoutMs = faults.pick([600_000, 600_000, 20_000]);
  const maxSessions = faults.pick([4_096, 4_096, 4]);
  const limits = {
    maxSessions,
    maxInFlight: faults.pick([64, 2, 1]),
    idleTimeoutMs,
    guardTimeoutMs: idleTimeoutMs / 10,
    tickMs: idleTimeoutMs / 40,
  };
  return { limits, sessionsEnd: maxSessions < 10 || idleTimeoutMs < 100_000 };
}

async function disturb(
  servers: readonly SimulatedServer[],
  world: World,
  signal: AbortSignal,
): Promise<void> {
  const { faults, network } = world;
  const restarting: Promise<void>[] = [];
  const restart = async (server: SimulatedServer) => {
    await pause(faults.between(1, faults.pick([10, 500])), signal);
    await server.start();
  };
  // Less and less of it: else nobody might get anything done between one fault and the next.
  for (let longestMs = 30; !signal.aborted; longestMs *= 1.03) {
    await pause(faults.between(1, longestMs), signal);
    const server = servers[faults.integer(0, servers.length - 1)];
    if (server?.isUp && faults.happens("server crashed", 0.04)) {
      server.crash();
      restarting.push(restart(server));
    }
    if (faults.happens("server lags behind", 0.1)) server?.stall(faults.between(10, 800));
    if (faults.happens("stream cut", 0.06)) network.cutSome();
  }
  await Promise.all(restarting);
}

/** Reads every key once more: what was acknowledged must be there. */
async function readAll(world: World): Promise<void> {
  const reader = new SimulatedClient("reader", world);
  await reader.readAll();
  await reader.close();
}
