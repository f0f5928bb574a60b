import assert from "node:assert/strict";
import { describe, expect, it } from "vitest";
import { AppendError } from "../../../src/sessions/commit-log/log-errors.js";
import { createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { seededRandom } from "../../helpers/seeded-random.js";
import { FaultLog } from "./fault-log.js";
import { type FaultKind, Faults, pause } from "./faults.js";
import { runInVirtualTime } from "./virtual-time.js";

checkLeaks();

const seeds = Array.from({ length: 60 }, (_, at) => at + 1);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("FaultLog", () => {
  it("keeps what a log promises, whatever goes wrong", async () => {
    const counts = new Map<FaultKind, number>();
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const faults = new Faults(random);
      await runInVirtualTime(() => writeAndRead(faults, seed), { random, maxEvents: 100_000 });
      for (const [kind, count] of faults.counts) counts.set(kind, (counts.get(kind) ?? 0) + count);
    }
    const kinds: FaultKind[] = [
      "append unknown, entry in",
      "append unknown, entry in later",
      "append unknown, entry not in",
      "append refused",
      "tail failed",
      "reading failed",
    ];
    for (const kind of kinds) expect(counts.get(kind) ?? 0, kind).toBeGreaterThan(0);
  });
});

/** Two handles write, one of which crashes; two others read. */
async function writeAndRead(faults: Faults, seed: number): Promise<void> {
  const store = createMemoryLogStore();
  const handles = [1, 2, 3, 4].map(() => new FaultLog(store.open(), faults));
  const outcomes = new Map<string, number | "not-appended" | "unknown">();
  const read = new Map<string, number>();
  const write = async (log: FaultLog, name: string) => {
    while (!(await log.genesis(Uint8Array.of(1)).catch(() => undefined)));
    const writing: Promise<void>[] = [];
    for (let at = 0; at < 30; at++) {
      const entry = `${name}${String(at).padStart(2, "0")}`;
      const appending = log.append(new TextEncoder().encode(entry)).then(
        async (op) => {
          outcomes.set(entry, op);
          const tail = await log.tail().catch(() => undefined);
          assert(tail === undefined || tail >= op, `seed ${seed}: the tail is behind ${entry}`);
        },
        (error: unknown) => {
          assert(error instanceof AppendError);
          outcomes.set(entry, error.outcome);
        },
      );
      writing.push(appending);
      if (at % 3 === 0) await pause(faults.between(0, 5));
      if (at === 20 && name === "b") log.crash();
    }
    await Promise.all(writing);
  };
  const [first, second, third, fourth] = handles;
  assert(first && second && third && fourth);
  const stop = new AbortController();
  const reading = [third, fourth].map((log) => readAll(log, stop.signal));
  third.stall(300);
  await Promise.all([write(first, "a"), write(second, "b")]);
  await pause(2_000);
  await Promise.all(handles.map((log) => log.close()));
  stop.abort();
  const [entries, same] = await Promise.all(reading);
  assert(entries);
  assert.deepEqual(entries, same, `seed ${seed}: the readers disagree`);
  for (const [at, entry] of entries.entries()) read.set(entry, at);
  assert.equal(read.size, entries.length, `seed ${seed}: an entry is in twice`);
  for (const [entry, outcome] of outcomes) {
    if (outcome === "not-appended") assert(!read.has(entry), `seed ${seed}: ${entry} is in`);
    if (typeof outcome === "number") assert.equal(read.get(entry), outcome - 1, `seed ${seed}: ${entry}`);
  }
  for (const name of ["a", "b"]) {
    const own: string[] = entries.filter((entry) => entry.startsWith(name));
    assert.deepEqual(own, own.toSorted(), `seed ${seed}: the order of the calls is not that of the log`);
  }
}

async function readAll(log: FaultLog, signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  let from = 0;
  while (!signal.aborted) {
    try {
      for await (const { op, entry } of log.entries(from, { signal })) {
        from = op;
        found.push(text(entry));
      }
    } catch {
      await pause(10, signal);
    }
    // A handle that is closed has no more entries.
    await pause(1, signal);
  }
  return found;
}
