import { openEtcdLog } from "quorate/sessions/etcd";
import { startCluster } from "./bench-cluster.js";
import type { BenchmarkSettings } from "./benchmark-settings.js";
import { type ComparisonResult, type Contestant, compare } from "./comparison.js";

/** How many entries a server reads in a second that has none of them, until it is at the end of the log. */
export async function catchUpRates(settings: BenchmarkSettings): Promise<ComparisonResult> {
  const { entries, members, signal } = settings;
  await using cluster = await startCluster(members);
  const endpoints = [cluster.endpoint];
  const contestants: Contestant[] = [];
  for (const size of [1, 64]) {
    const log = { endpoints, prefix: `batches-of-${size}/` };
    const batches = Math.ceil(entries / 64);
    await fillLog(log, batches, size, signal);
    const measure = async () => ({ value: await readRate(log, batches * size, signal) });
    contestants.push({ name: `batches of ${size}`, measure });
  }
  return await compare(contestants, [], settings, signal);
}

type LogPlace = Parameters<typeof openEtcdLog>[0];

async function fillLog(place: LogPlace, batches: number, size: number, signal: AbortSignal): Promise<void> {
  await using log = openEtcdLog(place);
  await log.genesis(new Uint8Array(100));
  const entry = new Uint8Array(100).fill(0x5a);
  for (let batch = 0; batch < batches; batch++) {
    signal.throwIfAborted();
    await Promise.all(Array.from({ length: size }, () => log.append(entry)));
  }
}

/** Entries in a second, with a handle that knows nothing yet. */
async function readRate(place: LogPlace, entries: number, signal: AbortSignal): Promise<number> {
  await using log = openEtcdLog(place);
  const start = performance.now();
  let count = 0;
  for await (const { entry } of log.entries(0, { signal })) {
    if (entry.byteLength === 0) throw new Error("an entry came back empty");
    count += 1;
    if (count === entries) return (count / (performance.now() - start)) * 1_000;
  }
  throw new Error(`the log has ended after ${count} of ${entries} entries`);
}
