import { describe, expect, it } from "vitest";
import { Code } from "../../../../internal/errors/code.js";
import type { CommitLog } from "../../../../src/sessions/commit-log/commit-log.js";
import { encodeBatch } from "../../../../src/sessions/commit-log/etcd/entry-batch.js";
import { bytesOf, keysBelow } from "../../../../src/sessions/commit-log/etcd/etcd-keys.js";
import { openLogWith } from "../../../../src/sessions/commit-log/etcd/etcd-log.js";
import { put, remove } from "../../../../src/sessions/commit-log/etcd/transactions.js";
import { LogTruncated } from "../../../../src/sessions/commit-log/log-errors.js";
import { eventually } from "../../../helpers/eventually.js";
import { checkLeaks } from "../../../helpers/leaks.js";
import { appendAll, bytes, reader, take, text, texts } from "../log-helpers.js";
import { appendOneByOne, carryOut, openOn, prefix } from "./log-on-etcd.js";
import { answered, type SimulatedCall, SimulatedEtcd } from "./simulated-etcd.js";

checkLeaks();

const keys = keysBelow(prefix);

describe("reading a log in etcd", () => {
  it("leaves nothing out, and gives nothing twice, where etcd has compacted what comes next", async () => {
    const etcd = new SimulatedEtcd();
    const [{ log }, other] = [await openOn(etcd), await openOn(etcd)];
    await appendAll(other.log, ["e1"]);
    const entries = reader(log);
    await take(entries, 1);
    const next = take(entries, 8);
    await eventually(() => etcd.watches === 1);
    // One by one: each has a revision of its own.
    await appendOneByOne(other.log, ["e2"]);
    etcd.members.forEach((_, at) => etcd.silence(at, true));
    await appendOneByOne(other.log, texts(4, 3));
    etcd.store.compact(etcd.store.revision);
    etcd.endWatches();
    etcd.members.forEach((_, at) => etcd.silence(at, false));
    await appendOneByOne(other.log, texts(3, 7));
    expect((await next).map(({ entry }) => text(entry))).toEqual(texts(8, 2));
    await entries.return?.();
    await close(log, other.log);
  });

  it("takes events from a watch in as many parts as they come", async () => {
    const etcd = new SimulatedEtcd();
    etcd.maxEvents = 1;
    const { log } = await openOn(etcd);
    const entries = reader(log);
    const next = take(entries, 6);
    await eventually(() => etcd.watches === 1);
    etcd.members.forEach((_, at) => etcd.silence(at, true));
    await appendOneByOne(log, texts(6));
    etcd.members.forEach((_, at) => etcd.silence(at, false));
    expect((await next).map(({ entry }) => text(entry))).toEqual(texts(6));
    await entries.return?.();
    await log.close();
  });

  describe("of more batches than fit into one answer", () => {
    const count = 5_000;

    it("gives them in order, also those that were put meanwhile, whatever is compacted meanwhile", async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd);
      putBatches(etcd, count);
      let pages = 0;
      etcd.plan = (call) => {
        if (!isListing(call)) return answered;
        pages += 1;
        if (pages !== 2) return answered;
        // The first of them is on a page that was read, the other one is on this one.
        for (const [key, entry] of [
          ["0", "meanwhile"],
          ["z", "and then"],
        ] as const) {
          const value = encodeBatch([bytes(entry)]);
          carryOut(etcd, put(keys.batch(key), value), put(keys.head, bytesOf("1")));
        }
        etcd.store.compact(etcd.store.revision);
        return answered;
      };
      const entries = reader(log);
      const found = await take(entries, count + 2);
      expect(pages).toBeGreaterThan(1);
      expect(found.map(({ entry }) => text(entry))).toEqual([...texts(count), "meanwhile", "and then"]);
      await entries.return?.();
      await log.close();
    });

    it("tells that some of them were forgotten meanwhile", async () => {
      const etcd = new SimulatedEtcd();
      const [{ client, log }, other] = [await openOn(etcd), await openOn(etcd)];
      putBatches(etcd, count);
      const op = await other.log.tail();
      let pages = 0;
      etcd.plan = (call) => {
        if (call.client !== client || !isListing(call) || ++pages !== 2) return answered;
        return { kind: "answered", after: other.log.saveSnapshot(op, bytes("state")) };
      };
      await expect(reader(log).next()).rejects.toMatchObject({ name: "LogTruncated", floor: op });
      await close(log, other.log);
    });
  });

  it("tells that a batch was forgotten between its listing and its reading", async () => {
    const etcd = new SimulatedEtcd();
    const [{ client, log }, other] = [await openOn(etcd), await openOn(etcd)];
    const ops = await appendOneByOne(other.log, texts(3));
    const [, , last = 0] = ops;
    let isDone = false;
    etcd.plan = (call) => {
      if (call.client !== client || !isReading(call) || isDone) return answered;
      isDone = true;
      return { kind: "answered", after: other.log.saveSnapshot(last, bytes("state")) };
    };
    const failure: unknown = await reader(log)
      .next()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LogTruncated);
    expect(failure).toMatchObject({ floor: last });
    await close(log, other.log);
  });

  it("fails when a batch is gone that was not forgotten", async () => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    await appendOneByOne(log, texts(3));
    etcd.plan = (call) => {
      if (isReading(call)) carryOut(etcd, remove(keys.batches.key, keys.batches.rangeEnd));
      return answered;
    };
    await expect(reader(log).next()).rejects.toMatchObject({ code: Code.DataLoss, reason: "LOG_REGRESSED" });
    await log.close();
  });

  it.each([
    { what: "the floor", key: keys.floor, value: "somewhere", reason: "LOG_CORRUPT" },
    { what: "the end", key: keys.head, value: "many", reason: "LOG_CORRUPT" },
    { what: "the genesis", key: keys.genesis, value: "another", reason: "LOG_REGRESSED" },
  ])("fails when somebody has overwritten $what", async ({ key, reason, value }) => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    await appendOneByOne(log, texts(1));
    carryOut(etcd, put(key, bytes(value)));
    const failing = key === keys.head ? log.tail() : reader(log).next();
    await expect(failing).rejects.toMatchObject({ code: Code.DataLoss, reason });
    await log.close();
  });

  it("waits for the first entry of a log that is not begun yet", async () => {
    const etcd = new SimulatedEtcd();
    const log = openLogWith(etcd.client(), { endpoints: ["127.0.0.1:1"], prefix });
    const next = reader(log).next();
    await eventually(() => etcd.watches === 1);
    const other = await openOn(etcd);
    const [op] = await appendOneByOne(other.log, ["first"]);
    expect(await next).toEqual({ done: false, value: { op, entry: bytes("first") } });
    await close(log, other.log);
  });
});

function close(...logs: readonly CommitLog[]): Promise<unknown> {
  return Promise.all(logs.map((log) => log.close()));
}

/** `e1`, `e2`, ... in batches of one entry, under keys in another order. */
function putBatches(etcd: SimulatedEtcd, count: number): void {
  for (let at = 0; at < count; at++) {
    const key = keys.batch(String((at * 7_919) % count).padStart(8, "0"));
    carryOut(etcd, put(key, encodeBatch([bytes(`e${at + 1}`)])), put(keys.head, bytesOf("1")));
  }
}

/** Whether it lists batches. */
function isListing({ request }: SimulatedCall): boolean {
  return request.success.some(
    ({ request: op }) =>
      op.case === "requestRange" && op.value.keysOnly && textOfKey(op.value.rangeEnd).includes("log0"),
  );
}

/** Whether it reads a batch. */
function isReading({ request }: SimulatedCall): boolean {
  const first = request.success[0]?.request;
  return (
    first?.case === "requestRange" &&
    textOfKey(first.value.key).startsWith(`${prefix}log/`) &&
    !first.value.keysOnly
  );
}

function textOfKey(key: Uint8Array): string {
  return new TextDecoder().decode(key);
}
