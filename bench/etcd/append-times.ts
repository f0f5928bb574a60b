import { openEtcdLog } from "quorate/sessions/etcd";
import { runLanes } from "../shared/run-lanes.js";
import { spreadOf } from "../shared/spread.js";
import { startCluster } from "./bench-cluster.js";
import type { BenchmarkSettings } from "./benchmark-settings.js";
import { type ComparisonResult, compare, type Measured } from "./comparison.js";
import { connectPuts } from "./etcd-puts.js";
import { putPrefix } from "./watch-puts.js";

/** How long one append takes where nothing else is under way, against one put. */
export async function appendTimes(settings: BenchmarkSettings): Promise<ComparisonResult> {
  const { members, signal } = settings;
  await using cluster = await startCluster(members);
  await using log = openEtcdLog({ endpoints: [cluster.endpoint], prefix: "log/" });
  await log.genesis(new Uint8Array(100));
  using puts = connectPuts(cluster.endpoint);
  const value = new Uint8Array(100).fill(0x5a);
  const contestants = [
    {
      name: "put",
      measure: (ms: number) => medianTime(ms, () => puts.put(`${putPrefix}one`, value)),
    },
    { name: "append", measure: (ms: number) => medianTime(ms, () => log.append(value)) },
  ];
  return await compare(contestants, [{ of: "append", to: "put" }], settings, signal);
}

async function medianTime(timeMs: number, request: () => Promise<unknown>): Promise<Measured> {
  const times: number[] = [];
  await runLanes(1, timeMs, async () => {
    const start = performance.now();
    await request();
    times.push(performance.now() - start);
  });
  return { value: spreadOf(times).median };
}
