import { describe, expect, it } from "vitest";
import { monotonicMs, openDeadlines, scheduleDeadline } from "../../../internal/util/deadlines.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { seededRandom } from "../../helpers/seeded-random.js";
import { runInVirtualTime } from "./virtual-time.js";

checkLeaks();

const options = () => ({ random: seededRandom(1), maxEvents: 10_000 });
const after = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));
const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

describe("runInVirtualTime", () => {
  it("waits for nothing, and its clocks agree with its timers", async () => {
    const realBefore = performance.now();
    const took = await runInVirtualTime(async () => {
      const before = [performance.now(), Date.now()];
      await after(3_600_000);
      return [performance.now() - (before[0] ?? 0), Date.now() - (before[1] ?? 0)];
    }, options());
    expect(took).toEqual([3_600_000, 3_600_000]);
    expect(performance.now() - realBefore).toBeLessThan(60_000);
  });

  it("runs timers by their time, turns in their order, and promises before either", async () => {
    const seen: string[] = [];
    const note = (what: string) => () => void seen.push(what);
    await runInVirtualTime(async () => {
      const all = [after(20).then(note("20")), after(10).then(note("10")), after(10).then(note("10 again"))];
      all.push(
        turn().then(note("turn")),
        turn().then(note("next turn")),
        Promise.resolve().then(note("promise")),
      );
      await Promise.all(all);
    }, options());
    expect(seen).toEqual(["promise", "turn", "next turn", "10", "10 again", "20"]);
  });

  it("is the same each time", async () => {
    const run = () =>
      runInVirtualTime(async () => {
        const seen: number[] = [];
        const one = async () => {
          for (let at = 0; at < 20; at++) {
            await after(100 * Math.random());
            seen.push(performance.now());
          }
        };
        await Promise.all([one(), one(), one()]);
        return seen;
      }, options());
    expect(await run()).toEqual(await run());
  });

  it("runs the deadlines of the library, and runs no timer that was cleared", async () => {
    const late = await runInVirtualTime(async () => {
      const start = monotonicMs();
      clearTimeout(setTimeout(() => expect.unreachable(), 10));
      await new Promise<void>((resolve) => void scheduleDeadline(start + 30_000, resolve));
      return monotonicMs() - start;
    }, options());
    expect(late).toBeGreaterThanOrEqual(30_000);
    expect(late).toBeLessThanOrEqual(30_005);
    expect(openDeadlines()).toBe(0);
  });

  it("says so if nothing is left to wait for", async () => {
    const stuck = runInVirtualTime(() => new Promise<void>(() => {}), options());
    await expect(stuck).rejects.toThrow("nothing is left to happen");
  });

  it("says so if a timer is left behind", async () => {
    const leaving = async () => void setTimeout(() => {}, 1_000);
    await expect(runInVirtualTime(leaving, options())).rejects.toThrow("has left a timer behind");
  });

  it("says so if there is no end", async () => {
    const forEver = async () => {
      for (;;) await after(10);
    };
    await expect(runInVirtualTime(forEver, options())).rejects.toThrow("not over after 10000 events");
  });

  it("gives the failure of the run, and the globals back", async () => {
    const globals = () => [
      ...[setTimeout, setImmediate, clearTimeout, Date.now, Math.random],
      Reflect.get(performance, "now"),
    ];
    const before = globals();
    const failing = runInVirtualTime(async () => {
      await after(5);
      throw new Error("it failed");
    }, options());
    await expect(failing).rejects.toThrow("it failed");
    expect(globals()).toEqual(before);
  });
});
