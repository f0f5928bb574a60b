import { beforeAll, describe, expect, it } from "vitest";
import { checkLeaks } from "../../helpers/leaks.js";
import { type Random, seededRandom } from "../../helpers/seeded-random.js";
import { live, openOn, type Told, toldNothing, verify } from "./crash-run.js";
import { readAll, text } from "./log-helpers.js";
import { type DiskCall, type Fault, SimulatedDisk } from "./simulated-disk.js";

checkLeaks();

/** A disk, and what callers were told by those who wrote to it. */
interface Left {
  readonly disk: SimulatedDisk;
  readonly told: Told;
}

/** What a life begins with. */
const beginnings = [
  { on: "an empty disk", earlierLives: 0 },
  { on: "the log of a server that was killed", earlierLives: 1 },
] as const;

describe.each(beginnings)("a file log on $on", ({ earlierLives }) => {
  let calls: readonly DiskCall[];

  beforeAll(async () => {
    calls = (await lifeWithFault(0, "EIO")).disk.calls;
  });

  /** A life with a fault at one of its calls. */
  async function lifeWithFault(number: number, fault: Fault): Promise<Left> {
    const told = toldNothing();
    let disk = new SimulatedDisk();
    if (earlierLives > 0) {
      await live(disk, told, "earlier");
      disk = disk.afterKill();
    }
    disk.plan = (call) => (call.number === number ? fault : undefined);
    await live(disk, told, "later");
    return { disk, told };
  }

  it("has calls of all kinds that can fail", () => {
    const names = new Set(calls.map(({ name }) => name));
    for (const name of ["write", "read", "sync", "syncDirectory", "rename", "remove", "open", "close"]) {
      expect(names).toContain(name);
    }
    expect(calls.length).toBeGreaterThan(70);
  });

  it("is whole without a fault", async () => {
    const { disk, told } = await lifeWithFault(0, "EIO");
    expect([...told.appends.values()].filter((outcome) => typeof outcome !== "number")).toEqual([]);
    expect(told.appends.size).toBe(22 * (1 + earlierLives));
    expect(told.snapshotOp).toBeGreaterThan(19);
    expect(disk.openFiles).toBe(0);
    expect(await problems(disk.afterPowerLoss(seededRandom(1)), told, "")).toEqual([]);
  });

  it.each(["EIO", "ENOSPC"] as const)("loses and invents nothing after %s at any call", async (fault) => {
    const found: string[] = [];
    for (const { number, name } of calls) {
      const { disk, told } = await lifeWithFault(number, fault);
      found.push(...(await problems(disk.afterKill(), told, `${name} (${number}), restart`)));
      for (let seed = 1; seed <= 3; seed++) {
        const after = disk.afterPowerLoss(seededRandom(seed));
        found.push(...(await problems(after, told, `${name} (${number}), power loss, seed ${seed}`)));
      }
    }
    expect(found).toEqual([]);
  });

  it("goes on after short reads and writes, as if there were none", async () => {
    const found: unknown[] = [];
    for (const { number } of calls.filter(({ name }) => name === "read" || name === "write")) {
      const { told } = await lifeWithFault(number, "short");
      found.push(...[...told.appends].filter(([, outcome]) => typeof outcome !== "number"));
    }
    expect(found).toEqual([]);
  });

  it("loses and invents nothing when the power fails at any call", async () => {
    const found: string[] = [];
    for (const { number, name } of calls) {
      const { disk, told } = await lifeWithFault(number, "crash");
      for (let seed = 1; seed <= 6; seed++) {
        const after = disk.afterPowerLoss(seededRandom(seed));
        found.push(...(await problems(after, told, `${name} (${number}), seed ${seed}`)));
      }
    }
    expect(found).toEqual([]);
  });

  it("yields nothing that a power loss could still take", async () => {
    const found: string[] = [];
    for (const { number, name } of calls) {
      const { disk, told } = await lifeWithFault(number, "EIO");
      const after = await readAndLosePower(disk.afterKill(), told, seededRandom(number));
      found.push(...(await problems(after, told, `${name} (${number})`)));
    }
    expect(found).toEqual([]);
  });
});

describe("a file log that was copied", () => {
  it("is durable once it is open", async () => {
    const told = toldNothing();
    const disk = new SimulatedDisk();
    await live(disk, told, "original");
    for (let seed = 1; seed <= 20; seed++) {
      const after = await readAndLosePower(disk.copied(), told, seededRandom(seed));
      expect(await problems(after, told, `seed ${seed}`)).toEqual([]);
    }
  });
});

describe("a file log through several lives", () => {
  it("loses and invents nothing when each ends at a random call", async () => {
    const faults = ["EIO", "ENOSPC", "crash", "short", "crash"] as const;
    const found: string[] = [];
    for (let seed = 1; seed <= 150; seed++) {
      const random = seededRandom(seed);
      const told = toldNothing();
      let disk = new SimulatedDisk();
      for (let life = 1; life <= 4; life++) {
        const number = Math.ceil(random() * 90);
        const fault = faults[Math.floor(random() * faults.length)] ?? "crash";
        disk.plan = (call) => (call.number === number ? fault : undefined);
        await live(disk, told, `life ${life}`);
        disk = random() < 0.3 ? disk.afterKill() : disk.afterPowerLoss(random);
      }
      found.push(...(await problems(disk, told, `seed ${seed}`)));
    }
    expect(found).toEqual([]);
  });
});

/** What is wrong with the log that is left, if anything; `where` says how to come there again. */
async function problems(disk: SimulatedDisk, told: Told, where: string): Promise<string[]> {
  try {
    await verify(disk, told);
    return [];
  } catch (error) {
    return [`${where}: ${String(error)}`];
  }
}

/** Reads the log and loses the power: whatever was read has to be there afterwards. */
async function readAndLosePower(disk: SimulatedDisk, told: Told, random: Random): Promise<SimulatedDisk> {
  const log = await openOn(disk);
  const snapshot = await log.loadSnapshot();
  for (const { op, entry } of await readAll(log, snapshot?.op)) told.read.set(op, text(entry));
  const after = disk.afterPowerLoss(random);
  await log.close();
  return after;
}
