import { describe, expect, it } from "vitest";
import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { begun, bytes, readTexts } from "../commit-log/log-helpers.js";
import { askEtcd, compact, disarm, firstOf, putKey } from "./etcd-gateway.js";

checkLeaks();

describe("a log in an etcd that has no space left", () => {
  const etcd = useEtcd({ flags: ["--quota-backend-bytes", String(4 * 2 ** 20)] });

  it("refuses appends and is read, and goes on once there is space again", async () => {
    const member = firstOf(etcd());
    await using log = await begun(openEtcdLog({ endpoints: etcd().endpoints, prefix: "full/" }));
    const first = await log.append(bytes("first"));
    await fill();

    const refused = { outcome: "not-appended", reason: "LOG_UNAVAILABLE" };
    for (const text of ["lost", "lost, too"]) {
      await expect(log.append(bytes(text))).rejects.toMatchObject({
        ...refused,
        message: expect.stringContaining("database space exceeded"),
      });
    }
    expect(await log.tail()).toBe(first);
    expect(await readTexts(log)).toEqual(["first"]);
    expect(await log.loadSnapshot()).toBeUndefined();
    await expect(log.saveSnapshot(first, bytes("state"))).rejects.toMatchObject({
      reason: "LOG_UNAVAILABLE",
      message: expect.stringContaining("database space exceeded"),
    });

    await compact(member);
    await askEtcd(member, "maintenance/defragment", {});
    await expect(log.append(bytes("lost, as the alarm is still on"))).rejects.toMatchObject(refused);
    await disarm(member);
    await log.append(bytes("second"));
    expect(await log.saveSnapshot(first, bytes("state"))).toBe(true);
    expect(await readTexts(log, first)).toEqual(["second"]);
  });

  /** Puts one key again and again: its old values take the space until they are compacted. */
  async function fill(): Promise<void> {
    const member = firstOf(etcd());
    for (let puts = 0; puts < 100; puts++) {
      try {
        await putKey(member, "other", "x".repeat(256 * 1024));
      } catch {
        return;
      }
    }
    throw new Error("etcd takes all of it");
  }
});

describe("a log whose own entries fill etcd", () => {
  // Its size is known after each transaction: so one is carried out, and refused all the same.
  const etcd = useEtcd({
    flags: ["--quota-backend-bytes", String(4 * 2 ** 20), "--backend-batch-limit", "1"],
  });

  it("has what was acknowledged, and nothing that was refused", async () => {
    const logs = Array.from({ length: 8 }, () =>
      openEtcdLog({ endpoints: etcd().endpoints, prefix: "fills/" }),
    );
    const acknowledged: string[] = [];
    let refusals = 0;
    const fill = async (log: CommitLog, name: number) => {
      await begun(log);
      for (let at = 0; ; at++) {
        const entry = `${name}.${at} ${"x".repeat(300 * 1024)}`;
        const failure: unknown = await log.append(bytes(entry)).then(
          () => acknowledged.push(entry) > 0 && undefined,
          (error: unknown) => error,
        );
        if (failure === undefined) continue;
        expect(failure).toMatchObject({ outcome: "not-appended", reason: "LOG_UNAVAILABLE" });
        refusals += 1;
        return;
      }
    };
    try {
      await Promise.all(logs.map(fill));
      expect(refusals).toBe(8);
      expect(acknowledged.length).toBeGreaterThan(0);
      for (const log of logs.slice(0, 1)) {
        expect((await readTexts(log)).sort()).toEqual([...acknowledged].sort());
      }
    } finally {
      await Promise.all(logs.map((log) => log.close()));
    }
  });
});
