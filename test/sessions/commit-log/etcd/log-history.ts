import assert from "node:assert/strict";
import { onAbort } from "../../../../internal/util/on-abort.js";
import type { CommitLog } from "../../../../src/sessions/commit-log/commit-log.js";
import { openLogWith } from "../../../../src/sessions/commit-log/etcd/etcd-log.js";
import { AppendError, LogTruncated } from "../../../../src/sessions/commit-log/log-errors.js";
import { seededRandom } from "../../../helpers/seeded-random.js";
import { type FaultKind, Faults, pause } from "../../linearizability/faults.js";
import { runInVirtualTime } from "../../linearizability/virtual-time.js";
import { bytes, text } from "../log-helpers.js";
import { createFaultyEtcd } from "./etcd-faults.js";
import type { SimulatedEtcd } from "./simulated-etcd.js";

/** What happened in a run. */
export interface LogHistory {
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** Appends by what became of them, and what readers met. */
  readonly counts: ReadonlyMap<string, number>;
}

interface Run {
  readonly etcd: SimulatedEtcd;
  readonly faults: Faults;
  readonly counts: Map<string, number>;
  /** What became of each append; none while nobody knows. */
  readonly outcomes: Map<string, number | AppendError["outcome"]>;
  /** What was appended by each writer, in the order of its calls. */
  readonly called: Map<string, string[]>;
  /** What was read at each position, by whoever came first. */
  readonly read: Map<number, string>;
  /** Positions that a reader was given one behind the other, and what it had begun with. */
  readonly steps: (readonly [from: number, to: number])[];
  /** The highest position that anybody was told of. */
  known: number;
}

/**
 * Has several handles append, read, store snapshots and crash, over an etcd to which everything happens that the seed says,
 * and holds what they were told against what a log promises.
 *
 * @throws AssertionError that begins with the seed.
 */
export function runLogHistory(seed: number): Promise<LogHistory> {
  const random = seededRandom(seed);
  return runInVirtualTime(() => run(new Faults(random), seed), { random, maxEvents: 200_000 });
}

async function run(faults: Faults, seed: number): Promise<LogHistory> {
  const { disturb, etcd } = createFaultyEtcd(faults);
  const of = <Value>() => new Map<string, Value>();
  const world: Run = {
    etcd,
    faults,
    counts: of(),
    outcomes: of(),
    called: of(),
    read: new Map(),
    steps: [],
    known: 0,
  };
  const done = new AbortController();
  const disturbing = disturb(done.signal);
  const reading = [1, 2].map(() => follow(world, seed, done.signal));
  const writers = ["a", "b", "c"].slice(0, faults.integer(1, 3));
  await Promise.all(writers.map((name) => write(world, seed, name)));
  faults.heal();
  await pause(20_000);
  done.abort();
  await disturbing;
  const ends = await Promise.all(reading);
  const last = await lastOp(etcd);
  for (const end of ends) assert.equal(end, last, `seed ${seed}: a reader has not come to the end`);
  check(world, seed);
  return { faults: faults.counts, counts: world.counts };
}

/** Appends, from one handle after another: some crash. */
async function write(world: Run, seed: number, name: string): Promise<void> {
  const { called, counts, faults, outcomes } = world;
  const calls: string[] = [];
  called.set(name, calls);
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  for (let life = 0; life < 3; life++) {
    const log = await openBegun(world);
    const settling: Promise<void>[] = [];
    for (let at = 0; at < 12; at++) {
      const entry = `${name}${life}${String(at).padStart(2, "0")}`;
      calls.push(entry);
      const settled = log.append(bytes(entry)).then(
        (op) => {
          outcomes.set(entry, op);
          world.known = Math.max(world.known, op);
          count("appended");
        },
        (error: unknown) => {
          assert(error instanceof AppendError, `seed ${seed}: ${String(error)}`);
          outcomes.set(entry, error.outcome);
          count(error.outcome);
        },
      );
      settling.push(settled);
      if (faults.integer(0, 2) === 0) await pause(faults.between(0, 60));
      if (faults.integer(0, 5) === 0) await checkTail(world, log, seed);
    }
    // One that closes while it waits is given up, as by a process that ends.
    if (faults.integer(0, 1) === 0) await Promise.all(settling);
    await log.close();
    await Promise.all(settling);
  }
}

/** A tail is at or above everything that anybody was told of before. */
async function checkTail({ counts, ...world }: Run, log: CommitLog, seed: number): Promise<void> {
  const { known } = world;
  const tail = await log.tail().catch(() => undefined);
  if (tail === undefined) return;
  counts.set("tail", (counts.get("tail") ?? 0) + 1);
  assert(tail >= known, `seed ${seed}: the tail is ${tail}, and ${known} was known`);
}

/** Reads from one handle after another, begins with snapshots where it must, and stores some. Resolves with how far it came. */
async function follow(world: Run, seed: number, signal: AbortSignal): Promise<number> {
  const { counts, faults, read } = world;
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  let position = 0;
  while (!signal.aborted) {
    const log = await openBegun(world);
    const end = new AbortController();
    const stop = onAbort(signal, () => end.abort());
    const leaveAt = faults.integer(5, 40);
    let taken = 0;
    try {
      for await (const { entry, op } of log.entries(position, { signal: end.signal })) {
        assert(op > position, `seed ${seed}: ${op} comes behind ${position}`);
        world.steps.push([position, op]);
        position = op;
        world.known = Math.max(world.known, op);
        const before = read.get(op);
        assert(before === undefined || before === text(entry), `seed ${seed}: two entries at ${op}`);
        read.set(op, text(entry));
        if (faults.integer(0, 12) === 0) await save(world, log, op);
        if (faults.integer(0, 30) === 0) await pause(faults.between(0, 500));
        taken += 1;
        if (taken === leaveAt && !faults.healed) break;
      }
      count("left a reader");
    } catch (error) {
      if (error instanceof LogTruncated) {
        count("truncated");
        position = await load(world, log, seed, position);
      } else {
        assert.equal(
          (error as { reason?: string }).reason,
          "LOG_UNAVAILABLE",
          `seed ${seed}: ${String(error)}`,
        );
        count("reading failed");
        await pause(10, signal);
      }
    }
    stop();
    await log.close();
    await pause(1, signal);
  }
  return position;
}

/** The state is the texts of all entries up to there, as far as they were read. */
async function save({ counts, read }: Run, log: CommitLog, op: number): Promise<void> {
  const state = [...read].filter(([at]) => at <= op).sort(([a], [b]) => a - b);
  const isSaved = await log.saveSnapshot(op, bytes(JSON.stringify(state))).catch(() => undefined);
  if (isSaved !== undefined) counts.set("saved", (counts.get("saved") ?? 0) + 1);
}

async function load({ read }: Run, log: CommitLog, seed: number, position: number): Promise<number> {
  const snapshot = await log.loadSnapshot().catch(() => undefined);
  if (snapshot === undefined) return position;
  assert(snapshot.op > position, `seed ${seed}: the snapshot at ${snapshot.op} is no use at ${position}`);
  const state = JSON.parse(text(snapshot.bytes)) as [number, string][];
  for (const [op, entry] of state)
    assert.equal(read.get(op), entry, `seed ${seed}: the snapshot has another`);
  return snapshot.op;
}

/** What was appended, against what was read: by whoever read it, before it was forgotten or after. */
function check({ called, outcomes, read, steps }: Run, seed: number): void {
  const sequence = [...read].sort(([a], [b]) => a - b);
  const places = new Map<string, number>();
  for (const [op, entry] of sequence) {
    assert(!places.has(entry), `seed ${seed}: ${entry} is in twice`);
    places.set(entry, op);
  }
  const before = new Map(sequence.map(([op], at) => [op, sequence[at - 1]?.[0] ?? 0]));
  for (const [from, to] of steps) {
    assert(
      (before.get(to) ?? 0) <= from,
      `seed ${seed}: one reader was given ${to} behind ${from}, others more`,
    );
  }
  for (const [entry, outcome] of outcomes) {
    if (outcome === "not-appended")
      assert(!places.has(entry), `seed ${seed}: ${entry} is in, and was not appended`);
    if (typeof outcome === "number") assert.equal(places.get(entry), outcome, `seed ${seed}: ${entry}`);
  }
  for (const calls of called.values()) {
    const ops = calls.flatMap((entry) => places.get(entry) ?? []);
    assert.deepEqual(
      ops,
      ops.toSorted((a, b) => a - b),
      `seed ${seed}: the order of the calls is not kept`,
    );
  }
}

async function openBegun({ etcd, faults }: Run): Promise<CommitLog> {
  while (true) {
    const log = openLogWith(etcd.client(), {
      endpoints: ["127.0.0.1:1"],
      prefix: "log/",
      requestTimeoutMs: faults.healed ? 10_000 : faults.pick([200, 2_000]),
      watchCheckMs: faults.pick([50, 500]),
    });
    try {
      await log.genesis(bytes("genesis"));
      return log;
    } catch {
      await log.close();
    }
  }
}

async function lastOp(etcd: SimulatedEtcd): Promise<number> {
  const log = openLogWith(etcd.client(), { endpoints: ["127.0.0.1:1"], prefix: "log/" });
  const op = await log.tail();
  await log.close();
  return op;
}
