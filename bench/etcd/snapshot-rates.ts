import type { CommitLog } from "quorate/sessions";
import { openEtcdLog } from "quorate/sessions/etcd";
import { startCluster } from "./bench-cluster.js";
import type { BenchmarkSettings } from "./benchmark-settings.js";
import { type ComparisonResult, compare, type Measured } from "./comparison.js";

/** How fast a snapshot is stored, and loaded again. */
export async function snapshotRates(settings: BenchmarkSettings): Promise<ComparisonResult> {
  const { members, signal, snapshotMib } = settings;
  await using cluster = await startCluster(members);
  await using log = openEtcdLog({ endpoints: [cluster.endpoint], prefix: "log/" });
  await log.genesis(new Uint8Array(100));
  const bytes = new Uint8Array(snapshotMib * 2 ** 20).fill(0x5a);
  const contestants = [
    { name: "save", measure: () => save(log, bytes) },
    { name: "load", measure: () => load(log, bytes.byteLength) },
  ];
  return await compare(contestants, [], settings, signal);
}

async function save(log: CommitLog, bytes: Uint8Array): Promise<Measured> {
  // Each is one of a later position, else it would not be stored.
  const op = await log.append(new Uint8Array(1));
  const start = performance.now();
  if (!(await log.saveSnapshot(op, bytes))) throw new Error("a snapshot was not stored");
  return perSecond(bytes.byteLength, start);
}

async function load(log: CommitLog, expected: number): Promise<Measured> {
  const start = performance.now();
  const found = (await log.loadSnapshot())?.bytes.byteLength;
  if (found !== expected) throw new Error(`a snapshot of ${expected} bytes came back as ${found}`);
  return perSecond(expected, start);
}

function perSecond(bytes: number, start: number): Measured {
  return { value: bytes / 1e6 / ((performance.now() - start) / 1_000) };
}
