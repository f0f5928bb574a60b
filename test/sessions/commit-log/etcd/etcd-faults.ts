import { Code } from "../../../../internal/errors/code.js";
import { type Faults, pause } from "../../linearizability/faults.js";
import { answered, type Fate, isAppend, type SimulatedCall, SimulatedEtcd } from "./simulated-etcd.js";

/**
 * An etcd to which everything happens that these faults say, in virtual time, until they are healed. `disturb` has it lose
 * its leader, a member fall silent, its history be compacted and its watches end, until the signal ends.
 */
export interface FaultyEtcd {
  readonly etcd: SimulatedEtcd;
  readonly disturb: (signal: AbortSignal) => Promise<void>;
}

/** Makes one. */
export function createFaultyEtcd(faults: Faults): FaultyEtcd {
  const etcd = new SimulatedEtcd(faults.integer(1, 3));
  const latencyMs = faults.pick([0.5, 2, 10]);
  etcd.latencyMs = () => faults.between(0, latencyMs);
  const lagMs = faults.pick([0, 5, 100]);
  etcd.lagMs = () => (faults.healed ? 0 : faults.between(0, lagMs));
  etcd.maxEvents = faults.pick([Number.POSITIVE_INFINITY, 1, 3]);
  etcd.plan = (call) => fateOf(faults, call);
  return { etcd, disturb: (signal) => disturb(etcd, faults, signal) };
}

function fateOf(faults: Faults, call: SimulatedCall): Fate {
  const afterMs = faults.between(0, 50);
  if (faults.happens("etcd: request lost", 0.02)) return { kind: "lost", afterMs };
  if (faults.happens("etcd: answer lost", 0.02)) return { kind: "unanswered", afterMs };
  if (faults.happens("etcd: request late", 0.02)) {
    return { kind: "late", afterMs, until: pause(faults.between(0, faults.pick([100, 3_000]))) };
  }
  if (faults.happens("etcd: too many requests", 0.01)) {
    return { kind: "refused", code: Code.ResourceExhausted, message: "etcdserver: too many requests" };
  }
  if (!isAppend(call)) return answered;
  if (faults.happens("etcd: full", 0.01)) {
    return {
      kind: "refused",
      code: Code.ResourceExhausted,
      message: "etcdserver: mvcc: database space exceeded",
    };
  }
  if (faults.happens("etcd: full, carried out", 0.01)) return { kind: "filling" };
  // The process sleeps between its try and that it goes out.
  if (faults.happens("etcd: request slow", 0.02)) {
    return { kind: "answered", after: pause(faults.between(0, 1_000)) };
  }
  return answered;
}

async function disturb(etcd: SimulatedEtcd, faults: Faults, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !faults.healed) {
    await pause(faults.between(1, 200), signal);
    if (faults.happens("etcd: leader lost", 0.03)) {
      etcd.leaderless = true;
      await pause(faults.between(1, 300), signal);
      etcd.leaderless = false;
    }
    if (faults.happens("etcd: member silent", 0.05)) {
      // Of a cluster that goes on, most do.
      const at = faults.integer(0, etcd.members.length - 1);
      etcd.silence(at, true);
      await pause(faults.between(1, 3_000), signal);
      etcd.silence(at, false);
    }
    if (faults.happens("etcd: compacted", 0.05)) etcd.store.compact(etcd.store.revision);
    if (faults.happens("etcd: watches ended", 0.05)) etcd.endWatches();
  }
}
