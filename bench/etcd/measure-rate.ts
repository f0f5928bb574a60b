import { runLanes } from "../shared/run-lanes.js";
import type { BenchCluster } from "./bench-cluster.js";
import type { Measured } from "./comparison.js";
import { unlessAborted } from "./unless-aborted.js";
import type { Load, Request } from "./value-clients.js";
import type { ValueServer } from "./value-server.js";

/** Whose processor time is told beside the rate. */
export interface RateParts {
  readonly cluster: BenchCluster;
  /** undefined for what goes to etcd itself. */
  readonly server?: ValueServer | undefined;
  /** Ends the measurement. */
  readonly signal: AbortSignal;
}

/** Makes requests for so many milliseconds, as many at a time as the load says, by turns in each of these ways. */
export async function measureRate(
  requests: readonly Request[],
  { clients, window }: Load,
  timeMs: number,
  { cluster, server, signal }: RateParts,
): Promise<Measured> {
  const before = await server?.ask("statistics");
  const etcdBefore = cluster.cpuMicros();
  const clientBefore = process.cpuUsage();
  const start = performance.now();
  let count = 0;
  const running = runLanes(clients * window, timeMs, async (lane) => {
    const request = requests[lane % requests.length];
    if (request === undefined) throw new Error("there is no way to make a request");
    await request();
    count += 1;
  });
  // A session would wait for its server to come back.
  await unlessAborted(running, server === undefined ? signal : AbortSignal.any([signal, server.gone]));
  const value = (count / (performance.now() - start)) * 1_000;
  const { user, system } = process.cpuUsage(clientBefore);
  const etcdAfter = cluster.cpuMicros();
  const after = await server?.ask("statistics");
  const each = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? null : (to - from) / count;
  const batches = (after?.batches ?? 0) - (before?.batches ?? 0);
  return {
    value,
    cpu: {
      client: (user + system) / count,
      server: each(before?.cpuMicros, after?.cpuMicros),
      etcd: each(etcdBefore, etcdAfter),
    },
    ...(batches > 0 && { batch: count / batches }),
  };
}
