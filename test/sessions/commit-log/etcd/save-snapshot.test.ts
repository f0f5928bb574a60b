import { afterEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../../../internal/errors/code.js";
import { bytesOf, keysBelow, textOf } from "../../../../src/sessions/commit-log/etcd/etcd-keys.js";
import { openLogWith } from "../../../../src/sessions/commit-log/etcd/etcd-log.js";
import { chunkBytes } from "../../../../src/sessions/commit-log/etcd/save-snapshot.js";
import type { Operation } from "../../../../src/sessions/commit-log/etcd/transactions.js";
import { put, remove } from "../../../../src/sessions/commit-log/etcd/transactions.js";
import { eventually } from "../../../helpers/eventually.js";
import { checkLeaks } from "../../../helpers/leaks.js";
import { appendAll, bytes, texts } from "../log-helpers.js";
import { appendOneByOne, carryOut, fatesOf, floorOf, gate, namesIn, openOn, prefix } from "./log-on-etcd.js";
import { answered, type Fate, puts, type SimulatedCall, SimulatedEtcd } from "./simulated-etcd.js";

checkLeaks();

afterEach(() => vi.restoreAllMocks());

const keys = keysBelow(prefix);

describe("the snapshot of a log in etcd", () => {
  it.each([
    { size: 0, chunks: 1 },
    { size: 1, chunks: 1 },
    { size: chunkBytes, chunks: 1 },
    { size: chunkBytes + 1, chunks: 2 },
    { size: 9 * chunkBytes, chunks: 9 },
    { size: 16 * chunkBytes + 1, chunks: 17 },
  ])("of $size bytes is $chunks chunks, and comes back as it was", async ({ chunks, size }) => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    const [op = 0] = await appendAll(log, texts(1));
    const stored = Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8)) % 251);
    expect(await log.saveSnapshot(op, stored)).toBe(true);
    expect(namesIn(etcd, keys.chunks)).toHaveLength(chunks);
    const loaded = await log.loadSnapshot();
    expect(loaded?.op).toBe(op);
    expect(Buffer.compare(loaded?.bytes ?? bytes("none"), stored)).toBe(0);
    await log.close();
  });

  it.each<{ what: string; part: string; fates: Fate[] }>([
    { what: "a chunk", part: "snapshot/", fates: [{ kind: "lost" }, { kind: "unanswered" }] },
    {
      what: "the manifest",
      part: "snapshot",
      fates: [{ kind: "answered" }, { kind: "lost" }, { kind: "unanswered" }],
    },
    { what: "the floor", part: "floor", fates: [{ kind: "unanswered" }, { kind: "lost" }] },
  ])("is stored, and says so, though $what has to be put again", async ({ fates, part }) => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    const ops = await appendOneByOne(log, texts(3));
    const [, , last = 0] = ops;
    etcd.plan = fatesOf((call) => puts(call, part), fates);
    expect(await log.saveSnapshot(last, bytes("state"))).toBe(true);
    expect(await log.loadSnapshot()).toEqual({ op: last, bytes: bytes("state") });
    expect(floorOf(etcd)).toBe(last);
    await log.close();
  });

  it("takes the place of the one before, whose chunks go", async () => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    const [first = 0, second = 0] = await appendOneByOne(log, texts(2));
    await log.saveSnapshot(first, new Uint8Array(3 * chunkBytes));
    expect(namesIn(etcd, keys.chunks)).toHaveLength(3);
    await log.saveSnapshot(second, bytes("second"));
    expect(namesIn(etcd, keys.chunks)).toHaveLength(1);
    expect(await log.loadSnapshot()).toEqual({ op: second, bytes: bytes("second") });
    await log.close();
  });

  it("is stored by a handle that has not asked for the genesis", async () => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    const [op = 0] = await appendAll(log, texts(1));
    const other = openLogWith(etcd.client(), { endpoints: ["127.0.0.1:1"], prefix });
    expect(await other.saveSnapshot(op, bytes("state"))).toBe(true);
    expect(await log.loadSnapshot()).toEqual({ op, bytes: bytes("state") });
    await Promise.all([log.close(), other.close()]);
  });

  it("of a slow server does not take the place of a higher one, and leaves nothing behind", async () => {
    const etcd = new SimulatedEtcd();
    const [{ client, log }, other] = [await openOn(etcd), await openOn(etcd)];
    const [low = 0, high = 0] = await appendOneByOne(log, texts(2));
    const slow = gate();
    let isWaiting = false;
    etcd.plan = (call) => {
      if (call.client !== client || !puts(call, `${prefix}snapshot`) || puts(call, "snapshot/"))
        return answered;
      isWaiting = true;
      return { kind: "answered", after: slow.opened };
    };
    const saving = log.saveSnapshot(low, bytes("low"));
    await eventually(() => isWaiting);
    expect(await other.log.saveSnapshot(high, bytes("high"))).toBe(true);
    slow.open();
    expect(await saving).toBe(false);
    expect(await log.loadSnapshot()).toEqual({ op: high, bytes: bytes("high") });
    expect(namesIn(etcd, keys.chunks)).toHaveLength(1);
    expect(floorOf(etcd)).toBe(high);
    await Promise.all([log.close(), other.log.close()]);
  });

  it("removes the chunks of one that was never finished after an hour, and those of one under way never", async () => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    const [first = 0, second = 0, third = 0] = await appendOneByOne(log, texts(3));
    const now = vi.spyOn(Date, "now");
    now.mockReturnValue(1_000_000_000);
    const fate: Fate = {
      kind: "refused",
      code: Code.PermissionDenied,
      message: "etcdserver: permission denied",
    };
    etcd.plan = fatesOf((call) => puts(call, "snapshot") && !puts(call, "snapshot/"), [fate]);
    await expect(log.saveSnapshot(first, new Uint8Array(2 * chunkBytes))).rejects.toMatchObject({
      reason: "LOG_UNAVAILABLE",
    });
    now.mockReturnValue(1_000_000_000 + 3_500_000);
    await log.saveSnapshot(second, bytes("state"));
    expect(namesIn(etcd, keys.chunks)).toHaveLength(3);
    now.mockReturnValue(1_000_000_000 + 3_700_000);
    await log.saveSnapshot(third, bytes("state"));
    expect(namesIn(etcd, keys.chunks)).toHaveLength(1);
    await log.close();
  });

  it("is not made of chunks that were removed while it was being stored", async () => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    const [op = 0] = await appendOneByOne(log, texts(1));
    etcd.plan = (call) => {
      if (puts(call, "snapshot") && !puts(call, "snapshot/"))
        carryOut(etcd, remove(keys.chunks.key, keys.chunks.rangeEnd));
      return answered;
    };
    expect(await log.saveSnapshot(op, bytes("state"))).toBe(false);
    expect(await log.loadSnapshot()).toBeUndefined();
    await log.close();
  });

  it("is read as the one that takes its place while it is loaded", async () => {
    const etcd = new SimulatedEtcd();
    const [{ client, log }, other] = [await openOn(etcd), await openOn(etcd)];
    const [first = 0, second = 0] = await appendOneByOne(log, texts(2));
    await log.saveSnapshot(first, new Uint8Array(20 * chunkBytes));
    let reads = 0;
    etcd.plan = (call) => {
      if (call.client !== client || !readsChunks(call) || ++reads !== 2) return answered;
      return { kind: "answered", after: other.log.saveSnapshot(second, bytes("second")) };
    };
    expect(await log.loadSnapshot()).toEqual({ op: second, bytes: bytes("second") });
    await Promise.all([log.close(), other.log.close()]);
  });

  it.each<{ what: string; damage: (chunk: Uint8Array) => Operation }>([
    { what: "a chunk of it is gone", damage: (chunk) => remove(chunk) },
    { what: "a chunk of it is another one", damage: (chunk) => put(chunk, bytes("stat!")) },
    { what: "a chunk of it is shorter", damage: (chunk) => put(chunk, bytes("stat")) },
    { what: "its manifest is gone", damage: () => put(keys.manifest, bytes("")) },
    { what: "its manifest is none", damage: () => put(keys.manifest, bytes("0000000000002048 zz 1 5 0")) },
  ])("is refused where $what", async ({ damage }) => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    const [op = 0] = await appendOneByOne(log, texts(1));
    await log.saveSnapshot(op, bytes("state"));
    const [chunk = ""] = namesIn(etcd, keys.chunks);
    carryOut(etcd, damage(bytesOf(chunk)));
    await expect(log.loadSnapshot()).rejects.toMatchObject({ code: Code.DataLoss, reason: "LOG_CORRUPT" });
    await log.close();
  });
});

/** Whether it reads chunks. */
function readsChunks({ request }: SimulatedCall): boolean {
  const first = request.success[0]?.request;
  return first?.case === "requestRange" && textOf(first.value.key).startsWith(`${prefix}snapshot/`);
}
