import { type Steps, until } from "../../storage/demo/steps.js";
import { BankClients } from "../demo/bank-clients.js";
import { runLastSteps, stepWithResult } from "../demo/last-steps.js";
import { addUp, sum } from "../demo/load-report.js";
import type { ClusterOptions } from "./cluster-options.js";
import type { PlannedClusterFault } from "./cluster-plan.js";
import {
  type ClusterReport,
  describeClusterReport,
  missingClusterProof,
  type ReportedFault,
} from "./cluster-report.js";
import { addressOf, type ClusterScene } from "./cluster-scene.js";
import { compareStates } from "./compare-states.js";
import { makeClusterFault } from "./make-cluster-fault.js";

/** Runs the demo step by step, and returns what it came to. Throws where a step fails. */
export async function runClusterSteps(
  steps: Steps,
  { etcd, servers: places, clients: all, endOfLog }: Omit<ClusterScene, "close">,
  plan: readonly PlannedClusterFault[],
  { seed, sessions, pauseMs }: Pick<ClusterOptions, "seed" | "sessions" | "pauseMs">,
): Promise<ClusterReport> {
  const clients = new BankClients(all);
  const servers = places.map(({ server }) => server);
  const site = { etcd, servers: places, clients, sessions, pauseMs };
  const longestPause = async () => Math.max(...(await clients.each(({ worker }) => worker.run("takePause"))));

  await steps.run("start three servers on an etcd of three members", async () => {
    await Promise.all(servers.map((server) => server.start()));
    const { name } = await etcd.leader();
    return `${name} leads; the servers are ${places.map(({ proxy }) => addressOf(proxy)).join(", ")}`;
  });

  await steps.run(sessions ? "open six sessions" : "open no sessions", () =>
    // Each prefers another server, so that all of them have some.
    clients.open(sessions, (_, at) => {
      const addresses = places.map(({ proxy }) => addressOf(proxy));
      const home = at % addresses.length;
      return [...addresses.slice(home), ...addresses.slice(0, home)];
    }),
  );

  await steps.run("open accounts, and begin to transfer", () => clients.begin(seed));

  const faults: ReportedFault[] = [];
  let longestPauseMs = 0;
  let before = 0;
  for (const [at, { afterTransfers, fault }] of plan.entries()) {
    await steps.run(`fault ${at + 1} of ${plan.length}`, async () => {
      const now = await until(
        () => clients.answered(),
        (count) => count >= before + afterTransfers,
      );
      longestPauseMs = Math.max(longestPauseMs, await longestPause());
      const outcome = await makeClusterFault(fault, site);
      const pause = await longestPause();
      longestPauseMs = Math.max(longestPauseMs, pause);
      faults.push({ ...outcome, kind: fault.kind, transfers: now - before, pauseMs: pause });
      before = await clients.answered();
      return `${outcome.fault}; ${outcome.effect}, and nobody waited longer than ${pause} ms`;
    });
  }

  await steps.run("go on, and stop", async () => {
    await until(
      () => clients.answered(),
      (count) => count >= before + 300,
    );
    longestPauseMs = Math.max(longestPauseMs, await longestPause());
    return clients.stop();
  });

  const { op, digest } = await stepWithResult(steps, "compare the states of all servers", async () => {
    const end = await endOfLog();
    const look = async () => {
      const states = await Promise.all(
        servers.map(async (server) => ({ name: server.name, ...(await server.state()) })),
      );
      const found = compareStates(states, end);
      if (found.kind === "different") throw new Error(found.problem);
      return found.kind === "equal" ? found : undefined;
    };
    const result = await untilThere(look);
    const told = `all of them have the same accounts and the same transfers at op ${result.op}, the end of the log`;
    return { result, told };
  });

  const report = await stepWithResult<ClusterReport>(steps, "compare receipts and ledger", async () => {
    const { reports, told } = await clients.compare();
    const totals = await Promise.all(servers.map((server) => server.totals()));
    const failOvers = sum(reports.map((each) => each.failOvers));
    const reloads = sum(totals.map((each) => each.reloads));
    const counted = { ...addUp(reports, totals), failOvers, reloads };
    return { result: { seed, faults, ...counted, longestPauseMs, op, digest }, told };
  });
  const told = { missing: missingClusterProof(report), lines: describeClusterReport(report) };
  await runLastSteps(steps, told, clients, servers);
  return report;
}

async function untilThere<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  const found = await until(look, (value) => value !== undefined);
  if (found === undefined) throw new Error("nothing was found");
  return found;
}
