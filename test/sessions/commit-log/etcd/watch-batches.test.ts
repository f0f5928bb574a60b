import { describe, expect, it } from "vitest";
import { Code } from "../../../../internal/errors/code.js";
import type { CommitLog } from "../../../../src/sessions/commit-log/commit-log.js";
import { eventually } from "../../../helpers/eventually.js";
import { checkLeaks } from "../../../helpers/leaks.js";
import { seededRandom } from "../../../helpers/seeded-random.js";
import { pause } from "../../linearizability/faults.js";
import { runInVirtualTime } from "../../linearizability/virtual-time.js";
import { reader, take, text, texts } from "../log-helpers.js";
import { appendOneByOne, openOn } from "./log-on-etcd.js";
import { SimulatedEtcd } from "./simulated-etcd.js";

checkLeaks();

describe("watching a log in etcd", () => {
  const inVirtualTime = (work: () => Promise<void>) => () =>
    runInVirtualTime(work, { random: seededRandom(1), maxEvents: 100_000 });

  it(
    "goes to another endpoint within two looks when its member is silent",
    inVirtualTime(async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd, { watchCheckMs: 500 });
      const entries = reader(log);
      const next = entries.next();
      await eventually(() => etcd.watches === 1);
      etcd.silence(0, true);
      await appendOneByOne(log, ["e1"]);
      const before = performance.now();
      const { value } = await next;
      expect(text(value.entry)).toBe("e1");
      const tookMs = performance.now() - before;
      expect(tookMs).toBeGreaterThan(500);
      expect(tookMs).toBeLessThan(1_100);
      await entries.return?.();
      await log.close();
    }),
  );

  it(
    "stays where it is while there is nothing new, and while its reader takes its time",
    inVirtualTime(async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd, { watchCheckMs: 100 });
      let opened = 0;
      const openWatch = etcd.openWatch.bind(etcd);
      etcd.openWatch = (...all) => {
        opened += 1;
        return openWatch(...all);
      };
      const entries = reader(log);
      const next = entries.next();
      await pause(5_000);
      await appendOneByOne(log, texts(2));
      await next;
      await pause(5_000);
      expect(await take(entries, 1)).toHaveLength(1);
      expect(opened).toBe(1);
      await entries.return?.();
      await log.close();
    }),
  );

  it(
    "goes on at another endpoint when it ends after a long time without news",
    inVirtualTime(async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd, { requestTimeoutMs: 1_000 });
      const entries = reader(log);
      const next = entries.next();
      await pause(60_000);
      etcd.endWatches();
      await appendOneByOne(log, ["e1"]);
      expect((await next).done).toBe(false);
      await entries.return?.();
      await log.close();
    }),
  );

  it(
    "fails when no endpoint has had a watch for requestTimeoutMs",
    inVirtualTime(async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd, { requestTimeoutMs: 1_000 });
      const next = reader(log).next();
      next.catch(() => {});
      await pause(10);
      const before = performance.now();
      etcd.leaderless = true;
      await expect(next).rejects.toMatchObject({ code: Code.Unavailable, reason: "LOG_UNAVAILABLE" });
      expect(performance.now() - before).toBeGreaterThan(1_000);
      expect(performance.now() - before).toBeLessThan(3_000);
      await log.close();
    }),
  );

  it.each(["tail", "watch"] as const)("finds with its %s that the log has lost what was in it", (by) =>
    inVirtualTime(async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd);
      const other = await openOn(etcd);
      await appendOneByOne(other.log, ["e1"]);
      const early = etcd.store.restored();
      await appendOneByOne(other.log, ["e2"]);
      const entries = reader(log);
      await take(entries, 2);
      const next = entries.next();
      next.catch(() => {});
      await pause(10);
      etcd.store = early;
      const failing = by === "tail" ? log.tail() : next;
      await expect(failing).rejects.toMatchObject({ code: Code.DataLoss, reason: "LOG_REGRESSED" });
      await entries.return?.();
      await close(log, other.log);
    })(),
  );
});

function close(...logs: readonly CommitLog[]): Promise<unknown> {
  return Promise.all(logs.map((log) => log.close()));
}
