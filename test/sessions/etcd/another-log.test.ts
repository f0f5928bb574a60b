import { cp, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import type { AppendOutcome } from "../../../src/sessions/commit-log/log-errors.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { appendAll, bytes, reader, readTexts, take, texts } from "../commit-log/log-helpers.js";
import { countKeys, deleteBelow, firstOf } from "./etcd-gateway.js";

checkLeaks();

const regressed = { code: Code.DataLoss, reason: "LOG_REGRESSED" };

/** Says that nothing can be had of this handle. */
async function expectRegressed(log: CommitLog, op: number, outcome: AppendOutcome): Promise<void> {
  await expect(log.append(bytes("late"))).rejects.toMatchObject({ ...regressed, outcome });
  await expect(log.append(bytes("later"))).rejects.toMatchObject({ ...regressed, outcome: "not-appended" });
  await expect(log.tail()).rejects.toMatchObject(regressed);
  await expect(take(reader(log), 1)).rejects.toMatchObject(regressed);
  await expect(log.saveSnapshot(op, bytes("state"))).rejects.toMatchObject(regressed);
  await expect(log.loadSnapshot()).rejects.toMatchObject(regressed);
}

describe("logs of several prefixes", () => {
  const etcd = useEtcd();

  it("do not see each other", async () => {
    const prefixes = ["a/", "a/b/", "ab/", "b/"];
    const logs = prefixes.map((prefix) => openEtcdLog({ endpoints: etcd().endpoints, prefix }));
    try {
      for (const [at, log] of logs.entries()) {
        const genesis = bytes(`genesis of ${prefixes[at]}`);
        expect(await log.genesis(genesis)).toEqual(genesis);
        expect(await log.tail()).toBe(0);
      }
      const ops = await Promise.all(logs.map((log, at) => log.append(bytes(`of ${prefixes[at]}`))));
      for (const [at, log] of logs.entries()) {
        expect(await log.tail()).toBe(ops[at]);
        expect(await readTexts(log)).toEqual([`of ${prefixes[at]}`]);
      }
      const [first, ...others] = logs;
      expect(await first?.saveSnapshot(ops[0] ?? 0, bytes("state"))).toBe(true);
      for (const log of others) expect(await log.loadSnapshot()).toBeUndefined();
    } finally {
      await Promise.all(logs.map((log) => log.close()));
    }
  });

  it.each([
    { what: "was begun anew by somebody else", prefix: "begun/", others: ["the second"] },
    { what: "was deleted", prefix: "deleted/", others: [] },
  ])("are of no use any more once what stands there $what", async ({ prefix, others }) => {
    const options = { endpoints: etcd().endpoints, prefix, watchCheckMs: 100 };
    await using log = openEtcdLog(options);
    await log.genesis(bytes("the first"));
    const [, op = 0] = await appendAll(log, texts(2));
    await log.saveSnapshot(op, bytes("state"));
    const follower = reader(log, op);
    const next = take(follower, 1);
    next.catch(() => {});
    await deleteBelow(firstOf(etcd()), prefix);
    for (const genesis of others) {
      await using other = openEtcdLog(options);
      expect(await other.genesis(bytes(genesis))).toEqual(bytes(genesis));
      expect(await other.tail()).toBe(0);
    }
    await expectRegressed(log, op, "not-appended");
    await expect(next).rejects.toMatchObject(regressed);
    expect(await countKeys(firstOf(etcd()), `${prefix}log/`)).toBe(0);
  });
});

describe("a log whose etcd was put back", () => {
  const etcd = useEtcd();

  it("is noticed by who follows it when it comes out of a copy of etcd's data", async () => {
    const member = firstOf(etcd());
    const options = { endpoints: etcd().endpoints, prefix: "copied/", watchCheckMs: 100 };
    await using log = openEtcdLog(options);
    await log.genesis(bytes("genesis"));
    await appendAll(log, texts(2));
    const folder = await mkdtemp(join(tmpdir(), "quorate-etcd-copy-"));
    try {
      await member.kill();
      await cp(member.dataFolder, folder, { recursive: true });
      await member.start();
      await log.append(bytes("e3"));
      const follower = reader(log);
      expect(await take(follower, 3)).toHaveLength(3);
      const next = take(follower, 1);
      next.catch(() => {});
      await member.kill();
      await rm(member.dataFolder, { recursive: true });
      await rename(folder, member.dataFolder);
      await member.start();
      await expect(next).rejects.toMatchObject(regressed);
      await expect(log.tail()).rejects.toMatchObject(regressed);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("is of no use any more as another cluster, also with the same genesis", async () => {
    const member = firstOf(etcd());
    const options = { endpoints: etcd().endpoints, prefix: "anew/", watchCheckMs: 100 };
    await using log = openEtcdLog(options);
    await log.genesis(bytes("genesis"));
    const [, op = 0] = await appendAll(log, texts(2));
    const follower = reader(log, op);
    const next = take(follower, 1);
    next.catch(() => {});
    await member.kill();
    await rm(member.dataFolder, { recursive: true });
    await member.start(["--initial-cluster-token", "another"]);
    await using other = openEtcdLog(options);
    expect(await other.genesis(bytes("genesis"))).toEqual(bytes("genesis"));
    // As far as the first one was, and beyond.
    await appendAll(other, texts(3));
    for (const each of texts(3)) await other.append(bytes(each));
    // The other cluster carries out what it is asked for, before its answer tells who it is.
    await expectRegressed(log, op, "unknown");
    await expect(next).rejects.toMatchObject(regressed);
    expect(await readTexts(other)).not.toContain("later");
  });
});
