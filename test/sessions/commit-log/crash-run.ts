import { expect } from "vitest";
import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import { openFileLog } from "../../../src/sessions/commit-log/file-log.js";
import type { AppendOutcome } from "../../../src/sessions/commit-log/log-errors.js";
import { AppendError } from "../../../src/sessions/commit-log/log-errors.js";
import { bytes, readAll, text } from "./log-helpers.js";
import type { SimulatedDisk } from "./simulated-disk.js";

/** What callers were told before it all ended. */
export interface Told {
  /** The entries in the order of the calls, and what became of them. */
  readonly appends: Map<string, number | AppendOutcome | "waiting">;
  /** What readers were given. */
  readonly read: Map<number, string>;
  genesis: string | undefined;
  /** The highest position of a snapshot of which it was said that it is stored. */
  snapshotOp: number;
}

/** Nobody was told anything. */
export function toldNothing(): Told {
  return { appends: new Map(), read: new Map(), genesis: undefined, snapshotOp: 0 };
}

const segmentBytes = 250;

/** Opens a log of small segments on the disk. */
export function openOn(disk: SimulatedDisk): Promise<CommitLog> {
  return openFileLog({ directory: "/log", segmentBytes }, disk);
}

/**
 * A server's life: it opens the log, appends in groups and one by one, reads, stores snapshots, closes. Goes on when
 * something fails, as far as it can, and keeps what it is told. `name` makes the entries its own.
 */
export async function live(disk: SimulatedDisk, told: Told, name: string): Promise<void> {
  const log = await openOn(disk).catch(() => undefined);
  if (log === undefined) return;
  const end = new AbortController();
  const reading = [follow(log, told, end.signal)];
  await log.genesis(bytes(`genesis of ${name}`)).then(
    (genesis) => {
      told.genesis = text(genesis);
    },
    () => {},
  );
  for (let round = 1; round <= 6; round++) {
    // The first reader is given what is written; a later one begins with what is on the disk.
    if (round === 4) reading.push(follow(log, told, end.signal));
    const group = Array.from({ length: round }, (_, at) => append(log, told, `${name}.${round}.${at}`));
    await Promise.all(group);
    if (round % 2 === 0) await saveSnapshot(log, told);
  }
  await append(log, told, `${name}.last`);
  end.abort();
  await Promise.all(reading);
  await log.close().catch(() => {});
}

async function append(log: CommitLog, told: Told, entry: string): Promise<void> {
  told.appends.set(entry, "waiting");
  try {
    told.appends.set(entry, await log.append(bytes(entry)));
  } catch (error) {
    expect(error).toBeInstanceOf(AppendError);
    told.appends.set(entry, (error as AppendError).outcome);
  }
}

async function saveSnapshot(log: CommitLog, told: Told): Promise<void> {
  const op = (await log.tail()) - 1;
  if (op < 1) return;
  await log.saveSnapshot(op, snapshotAt(op)).then(
    () => {
      told.snapshotOp = Math.max(told.snapshotOp, op);
    },
    () => {},
  );
}

function snapshotAt(op: number): Uint8Array {
  return bytes(`the state at ${op} `.repeat(8));
}

async function follow(log: CommitLog, told: Told, signal: AbortSignal): Promise<void> {
  const from = (await log.loadSnapshot().catch(() => undefined))?.op ?? 0;
  try {
    for await (const { op, entry } of log.entries(from, { signal })) told.read.set(op, text(entry));
  } catch {
    // The disk has failed, or a snapshot has overtaken the reader.
  }
}

/** Opens the log that is left on the disk, and holds it against what callers were told. */
export async function verify(disk: SimulatedDisk, told: Told): Promise<void> {
  const log = await openOn(disk);
  const genesis = text(await log.genesis(bytes("a late genesis")));
  if (told.genesis !== undefined) expect(genesis).toBe(told.genesis);
  const snapshot = await log.loadSnapshot();
  const snapshotOp = snapshot?.op ?? 0;
  expect(snapshotOp).toBeGreaterThanOrEqual(told.snapshotOp);
  if (snapshot !== undefined) expect(snapshot.bytes).toEqual(snapshotAt(snapshotOp));

  const entries = await readAll(log, snapshotOp);
  expect(entries.map(({ op }) => op)).toEqual(entries.map((_, at) => snapshotOp + 1 + at));
  const found = new Map(entries.map(({ op, entry }) => [text(entry), op]));
  expect(found.size).toBe(entries.length);
  const attempted = [...told.appends.keys()].filter((entry) => found.has(entry));
  expect([...found.keys()]).toEqual(attempted);
  for (const [entry, outcome] of told.appends) {
    if (outcome === "not-appended") expect(found.has(entry), `${entry} is not in the log`).toBe(false);
    if (typeof outcome !== "number" || outcome <= snapshotOp) continue;
    expect(found.get(entry), `${entry} is where it was acknowledged`).toBe(outcome);
  }
  for (const [op, entry] of told.read) if (op > snapshotOp) expect(found.get(entry)).toBe(op);
  const tail = await log.tail();
  expect(tail).toBeGreaterThanOrEqual(snapshotOp);
  expect(await log.append(bytes("one more"))).toBe(tail + 1);
  await log.close();
  expect(disk.openFiles).toBe(0);
  expect(disk.names.filter((name) => name.endsWith(".tmp"))).toEqual([]);
}
