import type { LocalEtcd } from "../../examples/bank/demo/local-etcd.js";
import { startEtcd } from "../../examples/bank/demo/local-etcd.js";
import { processMicros } from "./process-time.js";

/** An etcd cluster that a benchmark has for itself. */
export interface BenchCluster extends AsyncDisposable {
  /** The leader's, to which all goes that is compared: it is the fastest for everybody. */
  readonly endpoint: string;
  /** Microseconds of processor time that its processes have taken so far; undefined where that is not known. */
  cpuMicros(): number | undefined;
}

/** Starts one on 127.0.0.1, in the folder for temporary files. */
export async function startCluster(members: number): Promise<BenchCluster> {
  const etcd = await startEtcd({ members, flags: ["--quota-backend-bytes", `${quotaBytes}`] });
  try {
    const { endpoint } = await etcd.leader();
    return {
      endpoint,
      cpuMicros: () => processMicros(pidsOf(etcd)),
      [Symbol.asyncDispose]: () => etcd.close(),
    };
  } catch (error) {
    await etcd.close();
    throw error;
  }
}

function pidsOf({ members }: LocalEtcd): number[] {
  return members.flatMap(({ pid }) => pid ?? []);
}

/** A long run must not fill it: what is overwritten stays until it is compacted. */
const quotaBytes = 8 * 1024 ** 3;
