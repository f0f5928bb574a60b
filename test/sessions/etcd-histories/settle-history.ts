import { RegisterMachine } from "../linearizability/register-machine.js";
import { compareHistory } from "./compare-history.js";
import type { EtcdHistory } from "./etcd-history.js";
import type { Host } from "./host.js";
import type { SettledServer } from "./host-commands.js";

/** How often servers are asked that are not at the same op. */
const maxTries = 20;

/**
 * Looks for what should not have been in a history whose clients are done: compares its servers with each other, and what
 * its clients were told with what the servers have applied. Resolves with what the servers say.
 */
export async function settleHistory(
  { plan, problems, recorded }: EtcdHistory,
  hosts: readonly Host[],
): Promise<readonly SettledServer[]> {
  const ask = () => Promise.all(hosts.map((host) => host.settle(plan.prefix)));
  let servers = await ask();
  // A tick, or a request whose client is gone, may have come between two answers.
  for (let tries = 1; tries < maxTries && new Set(servers.map(({ op }) => op)).size > 1; tries++) {
    servers = await ask();
  }
  const states = new Set(
    servers.map(({ op, register, sessions }) => `  op ${op}, ${sessions} sessions: ${register}`),
  );
  if (states.size !== 1) problems.push(["the servers differ:", ...states].join("\n"));
  const machine = new RegisterMachine();
  machine.restore(new TextEncoder().encode(servers[0]?.register));
  problems.push(...compareHistory(recorded, machine));
  return servers;
}
