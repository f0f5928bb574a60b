import { describe, expect, it } from "vitest";
import type { CommitLog } from "../../../../src/sessions/commit-log/commit-log.js";
import { OwnBatches } from "../../../../src/sessions/commit-log/etcd/own-batches.js";
import { watchWithOwn } from "../../../../src/sessions/commit-log/etcd/watch-with-own.js";
import { eventually } from "../../../helpers/eventually.js";
import { checkLeaks } from "../../../helpers/leaks.js";
import { reader, take, text, texts } from "../log-helpers.js";
import { appendOneByOne, openOn } from "./log-on-etcd.js";
import { SimulatedEtcd } from "./simulated-etcd.js";

checkLeaks();

describe("a reader of the handle that appends", () => {
  it("is given its batches before etcd tells of them, and once", async () => {
    const { etcd, log, other, entries } = await reading();
    silence(etcd, true);
    await appendOneByOne(log, ["e2", "e3"]);
    expect(await taken(entries, 2)).toEqual(["e2", "e3"]);
    silence(etcd, false);
    await appendOneByOne(other, ["e4"]);
    await appendOneByOne(log, ["e5"]);
    expect(await taken(entries, 2)).toEqual(["e4", "e5"]);
    await close(entries, log, other);
  });

  it("is given them while it waits", async () => {
    const { etcd, log, other, entries } = await reading();
    silence(etcd, true);
    const next = taken(entries, 2);
    await turns();
    await appendOneByOne(log, ["e2", "e3"]);
    expect(await next).toEqual(["e2", "e3"]);
    await close(entries, log, other);
  });

  it("waits for etcd where a batch of another handle came before", async () => {
    const { etcd, log, other, entries } = await reading();
    silence(etcd, true);
    await appendOneByOne(other, ["e2"]);
    await appendOneByOne(log, ["e3", "e4"]);
    let isGiven = false;
    const next = taken(entries, 3).finally(() => {
      isGiven = true;
    });
    await turns();
    expect(isGiven).toBe(false);
    silence(etcd, false);
    expect(await next).toEqual(["e2", "e3", "e4"]);
    await close(entries, log, other);
  });

  it("waits for etcd where it has read none", async () => {
    const { etcd, log, other, entries } = await opened();
    let isGiven = false;
    const next = taken(entries, 2).finally(() => {
      isGiven = true;
    });
    await eventually(() => etcd.watches === 1);
    silence(etcd, true);
    await appendOneByOne(log, ["e1", "e2"]);
    await turns();
    expect(isGiven).toBe(false);
    silence(etcd, false);
    expect(await next).toEqual(["e1", "e2"]);
    await close(entries, log, other);
  });

  it("is given all of them in order, however far it is behind", async () => {
    const { log, other, entries } = await reading();
    await appendOneByOne(log, texts(10, 2));
    expect(await taken(entries, 10)).toEqual(texts(10, 2));
    await close(entries, log, other);
  });

  it("goes on with the watch at another member after one has stopped", async () => {
    const { etcd, log, other, entries } = await reading();
    silence(etcd, true);
    await appendOneByOne(log, ["e2"]);
    expect(await taken(entries, 1)).toEqual(["e2"]);
    etcd.endWatches();
    await appendOneByOne(log, ["e3"]);
    silence(etcd, false);
    await appendOneByOne(other, ["e4"]);
    expect(await taken(entries, 2)).toEqual(["e3", "e4"]);
    await close(entries, log, other);
  });

  it("leaves no watch behind when it leaves while it waits", async () => {
    const { etcd, log, other, entries } = await reading();
    const next = entries.next();
    await turns();
    await entries.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    await eventually(() => etcd.watches === 0);
    await close(entries, log, other);
  });
});

const batch = (modRevision: bigint) => ({ key: new Uint8Array(1), value: new Uint8Array(1), modRevision });

describe("watchWithOwn", () => {
  it("cancels a watch that was asked and has not answered, when it is left", async () => {
    const etcd = new SimulatedEtcd();
    const own = new OwnBatches();
    const news = watchWithOwn(etcd.client().watch({ startRevision: 2n }), own, () => 1n);
    expect(await news.next()).toMatchObject({ value: { kind: "told", response: { created: true } } });
    const next = news.next();
    await turns();
    own.put(1n, batch(2n));
    expect(await next).toEqual({ done: false, value: { kind: "own", batch: batch(2n) } });
    await news.return();
    expect(etcd.watches).toBe(0);
  });
});

describe("OwnBatches", () => {
  it("knows the last four, each by the one before it", () => {
    const own = new OwnBatches();
    for (let revision = 1n; revision <= 6n; revision++) own.put(revision, batch(revision + 1n));
    const known = [1n, 2n, 3n, 4n, 5n, 6n, 7n].map((revision) => own.after(revision)?.modRevision);
    expect(known).toEqual([undefined, undefined, 4n, 5n, 6n, 7n, undefined]);
  });

  it("tells who listens, until that stops", () => {
    const own = new OwnBatches();
    let count = 0;
    const stop = own.listen(() => {
      count += 1;
    });
    own.put(1n, batch(2n));
    stop();
    own.put(2n, batch(3n));
    expect(count).toBe(1);
  });
});

/** Two handles on one log, and a reader of the first. */
async function opened() {
  const etcd = new SimulatedEtcd();
  const [{ log }, { log: other }] = [await openOn(etcd), await openOn(etcd)];
  return { etcd, log, other, entries: reader(log) };
}

/** The same, with an entry that the reader was told of by etcd. */
async function reading() {
  const { etcd, log, other, entries } = await opened();
  const next = taken(entries, 1);
  await eventually(() => etcd.watches === 1);
  await appendOneByOne(other, ["e1"]);
  expect(await next).toEqual(["e1"]);
  return { etcd, log, other, entries };
}

async function taken(entries: ReturnType<typeof reader>, count: number): Promise<string[]> {
  return (await take(entries, count)).map(({ entry }) => text(entry));
}

function silence(etcd: SimulatedEtcd, isSilent: boolean): void {
  etcd.members.forEach((_, at) => etcd.silence(at, isSilent));
}

/** Long enough for what does not wait for etcd. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function close(entries: ReturnType<typeof reader>, ...logs: readonly CommitLog[]): Promise<void> {
  await entries.return?.();
  await Promise.all(logs.map((log) => log.close()));
}
