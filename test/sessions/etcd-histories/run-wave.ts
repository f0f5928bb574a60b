import type { LocalEtcd } from "../../../examples/bank/demo/local-etcd.js";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { withinTime } from "../../../internal/util/within-time.js";
import { seededRandom } from "../../helpers/seeded-random.js";
import { CallPace } from "./call-pace.js";
import { EtcdHistory } from "./etcd-history.js";
import { planFaults } from "./fault-plan.js";
import { holdPorts } from "./held-ports.js";
import type { HistoryPlan } from "./history-plan.js";
import type { Host } from "./host.js";
import type { SettledServer } from "./host-commands.js";
import { type HappenedFault, makeFaults } from "./make-faults.js";
import { settleHistory } from "./settle-history.js";
import { type Counts, countsOf, sum } from "./wave-report.js";

/** Histories that run at once, and are hit by the same faults. */
export interface WaveInit {
  readonly seed: number;
  readonly plans: readonly HistoryPlan[];
  readonly etcd: LocalEtcd;
  readonly hosts: readonly Host[];
  /** What the hosts have told that should not have been. */
  readonly hostProblems: readonly string[];
}

/** Milliseconds that the calls of a wave may take; they take ten seconds where there is time for them. */
export const waveMs = 200_000;

/**
 * Runs histories at once, each with a log and three servers of its own, while what they share is killed and stopped.
 * @throws Error if anything is not as it should be: with the problems, the faults and the calls of a history.
 */
export async function runWave(wave: WaveInit): Promise<Counts> {
  const { hosts, plans, hostProblems } = wave;
  await using held = await holdPorts(hosts.length * plans.length);
  const pace = new CallPace(plans.length);
  const histories = await openHistories(wave, held.ports, pace);
  const faults: HappenedFault[] = [];
  let servers: readonly SettledServer[] = [];
  let failure: Error | undefined;
  try {
    await callUnderFaults(wave, histories, { pace, faults });
    servers = (await Promise.all(histories.map((history) => settleHistory(history, hosts)))).flat();
  } catch (error) {
    failure = error instanceof Error ? error : new Error("the wave has failed", { cause: error });
    await Promise.all(histories.map((history) => history.abandon()));
  }
  const found = histories.find(({ problems }) => problems.length > 0);
  if (failure !== undefined || found !== undefined || hostProblems.length > 0) {
    const problems = [...(failure === undefined ? [] : [failure.message]), ...hostProblems];
    throw new Error(describe(problems, faults, found ?? histories.find(({ underWay }) => underWay > 0)), {
      cause: failure,
    });
  }
  await Promise.all(hosts.map((host) => host.closeAll()));
  return countsOf(histories, servers, faults);
}

/** All that helps to find out what went wrong. */
function describe(
  problems: readonly string[],
  faults: readonly HappenedFault[],
  history: EtcdHistory | undefined,
): string {
  const happened = faults.map(({ what, fromMs, untilMs }) => {
    return `  ${Math.round(fromMs)} to ${Math.round(untilMs)} ms: ${what}`;
  });
  return [...problems, ...(history?.problems ?? []), "faults:", ...happened, history?.describe()].join("\n");
}

/** Opens the servers of the histories, one of each on each host. */
async function openHistories(
  { plans, etcd, hosts }: WaveInit,
  ports: readonly number[],
  pace: CallPace,
): Promise<EtcdHistory[]> {
  // Of members that are watched by different servers, one may lag behind.
  const endpointsOf = (host: number) => [...etcd.endpoints.slice(host), ...etcd.endpoints.slice(0, host)];
  const addressOf = (host: number, plan: number) => `127.0.0.1:${ports[host * plans.length + plan]}`;
  await Promise.all(
    hosts.map((host, at) => {
      const [serverId, endpoints] = [host.name, endpointsOf(at)];
      return host.open(
        plans.map(({ prefix, settings }, plan) => {
          return { endpoints, prefix, serverId, address: addressOf(at, plan), ...settings };
        }),
      );
    }),
  );
  return plans.map((plan, at) => {
    const nodes = hosts.map((_, host) => addressOf(host, at));
    return new EtcdHistory(plan, nodes, pace);
  });
}

/** Has all clients call until all faults have happened, and reads everything once more. */
async function callUnderFaults(
  { etcd, hosts, seed }: WaveInit,
  histories: readonly EtcdHistory[],
  { pace, faults }: { readonly pace: CallPace; readonly faults: HappenedFault[] },
): Promise<void> {
  const expired = () => {
    const text = `${sum(histories, ({ underWay }) => underWay)} calls are without an answer`;
    return new QuorateError(Code.DeadlineExceeded, `quorate: after ${waveMs} ms ${text}`);
  };
  const callsMade = () => sum(histories, ({ recorded }) => recorded.length);
  const underWay = () => sum(histories, (history) => history.underWay);
  const plan = planFaults(seededRandom(seed), { hosts: hosts.length, histories: histories.length });
  await withinTime({ timeoutMs: waveMs, expired, signal: undefined }, async (ended) => {
    const done = new AbortController();
    const finish = () => {
      done.abort();
      pace.end();
    };
    ended.addEventListener("abort", finish);
    const happened = (fault: HappenedFault) => faults.push(fault);
    const scene = { etcd, hosts, callsMade, underWay, wake: () => pace.wake(), happened };
    const made = makeFaults(plan, scene).finally(finish);
    await Promise.all([made, ...histories.map((history) => history.run(done.signal))]);
    await Promise.all(histories.map((history) => history.readAll()));
  });
}
