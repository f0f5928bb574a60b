import { setTimeout as wait } from "node:timers/promises";
import { until } from "../../storage/demo/steps.js";
import type { BankClients } from "../demo/bank-clients.js";
import type { ClientProcess } from "../demo/client-process.js";
import { applyUnanswered } from "../demo/make-fault.js";
import type { ClusterFault } from "./cluster-plan.js";
import { addressOf, type ClusterScene, type ClusterServer } from "./cluster-scene.js";
import { pauseProcess } from "./pause-process.js";

/** What became of a fault. */
export interface ClusterFaultOutcome {
  /** What was done, to whom. */
  readonly fault: string;
  /** What followed, in words. */
  readonly effect: string;
  /** Clients that went on at another server; 0 for one that should have moved some and did not. */
  readonly failOvers: number;
}

/** Where faults are made, and how. */
export interface ClusterFaultSite extends Pick<ClusterScene, "etcd" | "servers"> {
  readonly clients: Pick<BankClients, "all" | "answered" | "each">;
  readonly sessions: boolean;
  readonly pauseMs: number;
}

/** Makes one fault; resolves once all has recovered from it: each client has a connection to each server. */
export async function makeClusterFault(
  fault: ClusterFault,
  site: ClusterFaultSite,
): Promise<ClusterFaultOutcome> {
  const outcome =
    fault.kind === "killLeader" ? await killLeader(fault.afterMs, site) : await hit(fault, site);
  await untilWhole(site);
  return outcome;
}

/** Waits until each client has a connection to each server. */
async function untilWhole({ clients, servers }: ClusterFaultSite): Promise<void> {
  await until(
    () => clients.each(({ worker }) => worker.run("place")),
    (places) => places.every(({ connected }) => connected === servers.length),
  );
}

async function killLeader(
  afterMs: number,
  { etcd, clients }: ClusterFaultSite,
): Promise<ClusterFaultOutcome> {
  const old = await etcd.leader();
  await wait(afterMs);
  const start = performance.now();
  await old.kill();
  const next = await etcd.leader();
  const ms = Math.round(performance.now() - start);
  // With two of three.
  const before = await clients.answered();
  await until(
    () => clients.answered(),
    (count) => count > before + clients.all.length,
  );
  await old.start();
  return {
    fault: `SIGKILL to ${old.name}, the leader of etcd`,
    effect: `${next.name} led ${ms} ms later`,
    failOvers: 0,
  };
}

/** A fault at a server of the bank. */
async function hit(
  fault: Exclude<ClusterFault, { readonly kind: "killLeader" }>,
  site: ClusterFaultSite,
): Promise<ClusterFaultOutcome> {
  const place = site.servers[fault.server];
  if (place === undefined) throw new Error(`there is no server ${fault.server}`);
  const { server, proxy } = place;
  const there = await someClientsAt(place, site);
  const [first] = there;
  switch (fault.kind) {
    case "pause": {
      const pid = await server.pid();
      const paused = await pauseProcess(pid);
      await wait(noticeMs);
      server.isolate();
      const failOvers = await untilElsewhere(there, place, site);
      await wait(site.pauseMs - noticeMs);
      await paused.resume();
      server.join();
      return told(`SIGSTOP to ${server.name} for ${site.pauseMs} ms`, failOvers, site);
    }
    case "kill":
      await server.kill(fault.afterMs);
      break;
    default: {
      if (first !== undefined) await applyUnanswered({ worker: first.worker, proxy }, server);
      await server.kill();
      // Else what comes next would get lost as well.
      proxy.cut();
    }
  }
  const failOvers = await untilElsewhere(there, place, site);
  await server.start();
  const what = fault.kind === "kill" ? "" : ", an answer on its way";
  return told(`SIGKILL to ${server.name}${what}`, failOvers, site);
}

/** How long a server may be silent until its connections are cut, as by what looks after a network. */
const noticeMs = 1_000;

/**
 * The clients at the server. If there are none, because earlier faults have sent them elsewhere, the other servers are
 * cut off until some have come.
 */
async function someClientsAt(place: ClusterServer, site: ClusterFaultSite): Promise<ClientProcess[]> {
  const there = await clientsAt(place, site);
  if (there.length > 0) return there;
  const others = site.servers.filter((other) => other !== place);
  for (const { server } of others) server.isolate();
  await until(
    () => clientsAt(place, site),
    ({ length }) => length === site.clients.all.length,
  );
  for (const { server } of others) server.join();
  await untilWhole(site);
  return clientsAt(place, site);
}

/** The clients whose session the server has; without sessions, those that prefer it. */
async function clientsAt(
  { proxy }: ClusterServer,
  { clients, servers, sessions }: ClusterFaultSite,
): Promise<ClientProcess[]> {
  const isThere = await clients.each(async ({ worker }, at) => {
    if (!sessions) return servers[at % servers.length]?.proxy === proxy;
    return (await worker.run("place")).address === addressOf(proxy);
  });
  return clients.all.filter((_, at) => isThere[at]);
}

/** Waits until the sessions of these clients are at other servers; returns how many they are. */
async function untilElsewhere(
  moving: readonly ClientProcess[],
  { proxy }: ClusterServer,
  { sessions }: ClusterFaultSite,
): Promise<number> {
  if (!sessions) return 0;
  const away = addressOf(proxy);
  await Promise.all(
    moving.map(({ worker }) =>
      until(
        () => worker.run("place"),
        ({ address }) => address !== away,
      ),
    ),
  );
  return moving.length;
}

function told(fault: string, failOvers: number, { sessions }: ClusterFaultSite): ClusterFaultOutcome {
  const effect = sessions ? `${failOvers} clients went on at another server` : "clients asked other servers";
  return { fault, failOvers, effect };
}
