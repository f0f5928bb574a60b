import type { LocalEtcd } from "../../../examples/bank/demo/local-etcd.js";
import { pause } from "../linearizability/faults.js";
import type { FaultKind, PlannedFault } from "./fault-plan.js";
import type { Host } from "./host.js";
import { until } from "./until.js";

/** What the faults of a wave hit. */
export interface FaultScene {
  readonly etcd: LocalEtcd;
  readonly hosts: readonly Host[];
  /** Calls that were made in all histories until now. */
  readonly callsMade: () => number;
  /** Calls that have no answer yet. */
  readonly underWay: () => number;
  /** Has the clients call now. */
  readonly wake: () => void;
  /** Told of each fault when it is over. */
  readonly happened: (fault: HappenedFault) => void;
}

/** A fault that has happened. */
export interface HappenedFault {
  readonly kind: FaultKind;
  readonly what: string;
  /** When it began and when it was over, in milliseconds of `performance.now`. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Calls that had no answer when it began. */
  readonly underWay: number;
  /** Calls that were made while it lasted. */
  readonly callsMade: number;
}

/** How long anything is waited for that comes by itself, in milliseconds. */
const patienceMs = 120_000;

/** Makes the faults, one after another, while the calls go on; resolves when all are over. */
export async function makeFaults(plan: readonly PlannedFault[], scene: FaultScene): Promise<void> {
  const lasting: { readonly target: string; readonly over: Promise<void> }[] = [];
  for (const fault of plan) {
    const from = scene.callsMade();
    await until(() => scene.callsMade() >= from + fault.afterCalls, "calls between two faults", patienceMs);
    const before = lasting.filter(({ target }) => !fault.overlaps || target === targetOf(fault));
    await Promise.all(before.map(({ over }) => over));
    const target = await findTarget(fault, scene);
    scene.wake();
    await pause(fault.aheadMs);
    await until(() => scene.underWay() > 0, "a call under way", patienceMs);
    const over = makeFault(fault, target, scene);
    // Who waits for the last one is told; until then it is nobody's.
    over.catch(() => {});
    lasting.push({ target: targetOf(fault), over });
  }
  await Promise.all(lasting.map(({ over }) => over));
}

/** No two faults hit the same one at a time: two members of etcd less, and there is no majority. */
function targetOf({ kind, which }: PlannedFault): string {
  return kind.startsWith("etcd") ? "etcd" : `host ${which}`;
}

async function makeFault({ kind, lastsMs }: PlannedFault, hit: Target, scene: FaultScene): Promise<void> {
  const [fromMs, underWay, before] = [performance.now(), scene.underWay(), scene.callsMade()];
  await hit.begin();
  await pause(lastsMs / 2);
  // Those who do not know of it yet find out now.
  scene.wake();
  await pause(lastsMs / 2);
  await hit.end();
  scene.wake();
  const [untilMs, callsMade] = [performance.now(), scene.callsMade() - before];
  scene.happened({ kind, what: `${kind}: ${hit.name}`, fromMs, untilMs, underWay, callsMade });
}

interface Target {
  readonly name: string;
  readonly begin: () => Promise<void>;
  readonly end: () => Promise<void>;
}

async function findTarget({ kind, which }: PlannedFault, { etcd, hosts }: FaultScene): Promise<Target> {
  if (kind === "server host killed" || kind === "server host stopped") {
    const host = hosts[which];
    if (host === undefined) throw new Error(`there is no host ${which}`);
    const { name } = host;
    return kind === "server host killed"
      ? { name, begin: () => host.kill(), end: () => host.restart() }
      : { name, begin: () => host.stop(), end: () => host.resume() };
  }
  const leader = await etcd.leader();
  if (kind === "etcd leader killed") {
    return { name: leader.name, begin: () => leader.kill(), end: () => leader.start() };
  }
  const follower = etcd.members.filter((member) => member !== leader)[which];
  if (follower === undefined) throw new Error(`etcd has no follower ${which}`);
  const { name } = follower;
  return { name, begin: async () => follower.stop(), end: async () => follower.resume() };
}
