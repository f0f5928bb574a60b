import { describe, expect, it } from "vitest";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { begun, bytes, readTexts } from "../commit-log/log-helpers.js";
import { firstOf, readKey } from "./etcd-gateway.js";

checkLeaks();

describe("the floor of a log in etcd", () => {
  const etcd = useEtcd();

  it("never goes back, whichever server is slow to store its snapshot", async () => {
    const prefix = "floor/";
    const logs = [1, 2, 3].map(() => openEtcdLog({ endpoints: etcd().endpoints, prefix }));
    try {
      const ops: number[] = [];
      for (const log of logs) await begun(log);
      for (let at = 0; at < 60; at++) ops.push((await logs[at % 3]?.append(bytes(`e${at}`))) ?? 0);

      const floors: number[] = [];
      const done = new AbortController();
      const looking = (async () => {
        while (!done.signal.aborted) floors.push(Number(await readKey(firstOf(etcd()), `${prefix}floor`)));
      })();
      // Each server is at another place, and none waits for the others.
      const saves = logs.map(async (log, server) => {
        const saved: number[] = [];
        for (let at = server * 7; at < 50; at += 5) {
          const op = ops[at] ?? 0;
          if (await log.saveSnapshot(op, bytes(`up to ${at}`))) saved.push(op);
        }
        return saved;
      });
      const saved = (await Promise.all(saves)).flat();
      done.abort();
      await looking;

      expect(floors).toEqual([...floors].sort((a, b) => a - b));
      expect(new Set(floors).size).toBeGreaterThan(2);
      const highest = Math.max(...saved);
      expect(Number(await readKey(firstOf(etcd()), `${prefix}floor`))).toBe(highest);
      for (const log of logs) {
        expect((await log.loadSnapshot())?.op).toBe(highest);
        expect(await log.saveSnapshot(ops[0] ?? 0, bytes("old"))).toBe(false);
        expect(await readTexts(log, highest)).toEqual(
          ops.flatMap((op, at) => (op > highest ? [`e${at}`] : [])),
        );
      }
    } finally {
      await Promise.all(logs.map((log) => log.close()));
    }
  });
});
