import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { connect, createClient, type OwnedConfiguration } from "quorate";
import { Interop } from "../gen/interop/v1/interop_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { type PeerProcess, type PeerSetup, startPeer } from "./peer-process.js";

const tsReplica = fileURLToPath(new URL("ts-replica.ts", import.meta.url));

/** The replicas of one configuration, by id, and what they are written in. */
export const kinds = { 1: "ts", 2: "ts", 3: "go", 4: "go" } as const;

/** One of them. */
export type ReplicaId = 1 | 2 | 3 | 4;

/** Four replicas, each a process, and a client of all. */
export interface MixedCluster extends AsyncDisposable {
  readonly client: OwnedConfiguration;
  start(...ids: ReplicaId[]): Promise<void>;
  kill(id: ReplicaId): Promise<void>;
  /** The ids of the replicas that are running. */
  readonly running: readonly ReplicaId[];
  /** Makes a Go replica ask a majority of the four, on the streams that it opened itself. */
  askMajority(id: ReplicaId): Promise<void>;
  /** Makes a replica ask a majority of the peers that are connected to it; returns how many these are. */
  askPeers(id: ReplicaId): Promise<number>;
  /** Waits until each running replica has all that are running in its configuration. */
  untilAllSeeAll(): Promise<void>;
}

/** Starts the four. */
export async function startMixedCluster(
  startGo: (setup: PeerSetup) => Promise<PeerProcess>,
): Promise<MixedCluster> {
  const nodes = await freeAddresses();
  const replicas = new Map<ReplicaId, PeerProcess>();
  const client = await connect({ nodes });
  const start = async (id: ReplicaId) => {
    const setup: PeerSetup = { role: "replica", node: id, nodes };
    const ofTypeScript = ["--import", "tsx", tsReplica];
    const isGo = kinds[id] === "go";
    replicas.set(id, await (isGo ? startGo(setup) : startPeer(process.execPath, setup, ofTypeScript)));
  };
  const askPeers = async (id: ReplicaId) =>
    (await createClient(Interop, client.node(id)).askPeers({}, { timeoutMs: 5_000 })).asked;
  const cluster: MixedCluster = {
    client,
    start: async (...ids) => {
      await Promise.all(ids.map(start));
    },
    kill: async (id) => {
      const replica = replicas.get(id);
      replicas.delete(id);
      await replica?.kill();
    },
    get running() {
      return [...replicas.keys()];
    },
    askMajority: async (id) => {
      await replicas.get(id)?.run("majority", { timeoutMs: 5_000 });
    },
    askPeers,
    untilAllSeeAll: async () => {
      await eventually(
        async () => {
          const ids = [...replicas.keys()];
          // A Go replica opens a lost stream when it has something to send on it, and not before (F-28).
          const nudges = [...replicas].map(async ([id, replica]) => {
            if (kinds[id] === "go") await replica.run("Read");
          });
          const seen = await Promise.allSettled(ids.map(askPeers));
          await Promise.allSettled(nudges);
          return seen.every((one) => one.status === "fulfilled" && one.value === ids.length);
        },
        "that all see all",
        15_000,
      );
    },
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await Promise.all([...replicas.values()].map((replica) => replica.kill()));
    },
  };
  try {
    await cluster.start(1, 2, 3, 4);
    await cluster.untilAllSeeAll();
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** Addresses at which nobody listens, because each replica must know all before the first starts. */
async function freeAddresses(): Promise<{ readonly [Id in ReplicaId]: string }> {
  const listeners = [0, 0, 0, 0].map((port) => createServer().listen(port, "127.0.0.1"));
  await Promise.all(listeners.map((listener) => once(listener, "listening")));
  const [one = "", two = "", three = "", four = ""] = listeners.map(
    (listener) => `127.0.0.1:${(listener.address() as AddressInfo).port}`,
  );
  await Promise.all(
    listeners.map((listener) => {
      const closed = once(listener, "close");
      listener.close();
      return closed;
    }),
  );
  return { 1: one, 2: two, 3: three, 4: four };
}
