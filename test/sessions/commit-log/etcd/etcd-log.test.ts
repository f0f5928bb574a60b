import { describe, expect, it } from "vitest";
import { Code } from "../../../../internal/errors/code.js";
import { openLogWith } from "../../../../src/sessions/commit-log/etcd/etcd-log.js";
import { checkLeaks } from "../../../helpers/leaks.js";
import { seededRandom } from "../../../helpers/seeded-random.js";
import { turn } from "../../../helpers/turn.js";
import { pause } from "../../linearizability/faults.js";
import { runInVirtualTime } from "../../linearizability/virtual-time.js";
import { bytes, reader, text } from "../log-helpers.js";
import { fatesOf, openOn, outcomeOf, prefix } from "./log-on-etcd.js";
import { answered, type Fate, isAppend, puts, SimulatedEtcd } from "./simulated-etcd.js";

checkLeaks();

const options = { endpoints: ["127.0.0.1:1"], prefix };
const silent: Fate = { kind: "lost", afterMs: Number.POSITIVE_INFINITY };
const inVirtualTime = (work: () => Promise<void>) => () =>
  runInVirtualTime(work, { random: seededRandom(1), maxEvents: 100_000 });

describe("a log in etcd", () => {
  it.each<{ name: string; fates: Fate[] }>([
    { name: "are both answered", fates: [] },
    {
      name: "have no answer at first, though one is carried out",
      fates: [{ kind: "unanswered" }, { kind: "lost" }],
    },
    { name: "are not carried out at first", fates: [{ kind: "lost" }, { kind: "lost" }] },
  ])("is begun once by two handles that do so at once, and $name", async ({ fates }) => {
    const etcd = new SimulatedEtcd();
    etcd.plan = fatesOf((call) => puts(call, "genesis"), fates);
    const logs = [openLogWith(etcd.client(), options), openLogWith(etcd.client(), options)];
    const answers = await Promise.all(logs.map((log, at) => log.genesis(bytes(`of ${at}`))));
    const [first = bytes(""), second] = answers;
    expect(second).toEqual(first);
    expect(["of 0", "of 1"]).toContain(text(first));
    const ops = [];
    for (const log of logs) ops.push(await log.append(bytes("entry")));
    expect(new Set(ops).size).toBe(2);
    await Promise.all(logs.map((log) => log.close()));
  });

  it("takes no entries before its genesis", async () => {
    const etcd = new SimulatedEtcd();
    const log = openLogWith(etcd.client(), options);
    await expect(log.append(bytes("early"))).rejects.toMatchObject({
      outcome: "not-appended",
      reason: "NO_GENESIS",
    });
    await log.close();
  });

  it("of another genesis has nothing to do with this handle", async () => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    etcd.store = new SimulatedEtcd().store;
    const other = openLogWith(etcd.client(), options);
    await other.genesis(bytes("another"));
    await other.append(bytes("entry"));
    const regressed = { code: Code.DataLoss, reason: "LOG_REGRESSED" };
    await expect(log.tail()).rejects.toMatchObject(regressed);
    await expect(reader(log).next()).rejects.toMatchObject(regressed);
    await expect(log.loadSnapshot()).rejects.toMatchObject(regressed);
    await expect(log.append(bytes("mine"))).rejects.toMatchObject({ outcome: "not-appended", ...regressed });
    await Promise.all([log.close(), other.close()]);
  });

  it(
    "that nobody answers for fails reads within requestTimeoutMs, and is there again after that",
    inVirtualTime(async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd, { requestTimeoutMs: 1_000 });
      etcd.plan = () => silent;
      for (const read of [() => log.tail(), () => log.loadSnapshot(), () => reader(log).next()]) {
        const before = performance.now();
        await expect(read()).rejects.toMatchObject({ code: Code.Unavailable, reason: "LOG_UNAVAILABLE" });
        expect(performance.now() - before).toBeGreaterThanOrEqual(1_000);
        expect(performance.now() - before).toBeLessThan(1_100);
      }
      etcd.plan = () => answered;
      expect(await log.tail()).toBe(0);
      await log.close();
    }),
  );

  it(
    "without a leader for a minute takes an entry once it has one",
    inVirtualTime(async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd);
      etcd.leaderless = true;
      const appending = log.append(bytes("patient"));
      await pause(60_000);
      etcd.leaderless = false;
      expect(await appending).toBe(await log.tail());
      await log.close();
    }),
  );
});

describe("closing a log in etcd", () => {
  it(
    "gives up what is not answered within requestTimeoutMs, and says of what was never tried that it is not appended",
    inVirtualTime(async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd, { requestTimeoutMs: 1_000 });
      etcd.plan = (call) => (isAppend(call) ? silent : answered);
      const tried = outcomeOf(log.append(bytes("tried")));
      await pause(10);
      const waiting = outcomeOf(log.append(bytes("waiting")));
      const before = performance.now();
      await log.close();
      expect(performance.now() - before).toBeGreaterThanOrEqual(1_000);
      expect(performance.now() - before).toBeLessThan(1_100);
      expect([await tried, await waiting]).toEqual(["unknown", "not-appended"]);
    }),
  );

  it(
    "gives up looking for what has filled etcd",
    inVirtualTime(async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd, { requestTimeoutMs: 1_000 });
      etcd.plan = (call) => (isAppend(call) ? { kind: "filling" } : silent);
      const filling = outcomeOf(log.append(bytes("filling")));
      await pause(10);
      await log.close();
      expect(await filling).toBe("unknown");
    }),
  );

  it(
    "waits for an answer that comes in time",
    inVirtualTime(async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd, { requestTimeoutMs: 1_000 });
      etcd.plan = (call) => (isAppend(call) ? { kind: "answered", after: pause(500) } : answered);
      const appending = log.append(bytes("slow"));
      await pause(10);
      await log.close();
      expect(await appending).toBeGreaterThan(0);
    }),
  );

  it(
    "ends what is being read and stored",
    inVirtualTime(async () => {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd);
      const op = await log.append(bytes("entry"));
      etcd.plan = (call) => (puts(call, "snapshot") || !puts(call, "") ? silent : answered);
      const tail = log.tail();
      const next = reader(log).next();
      const loading = log.loadSnapshot();
      etcd.plan = (call) => (puts(call, "snapshot") ? silent : answered);
      const saving = log.saveSnapshot(op, bytes("state"));
      for (const each of [tail, loading, saving]) each.catch(() => {});
      await pause(100);
      const before = performance.now();
      await log.close();
      expect(performance.now() - before).toBeLessThan(50);
      for (const each of [tail, loading, saving])
        await expect(each).rejects.toMatchObject({ reason: "CLOSED" });
      expect(await next).toEqual({ done: true, value: undefined });
      expect(etcd.watches).toBe(0);
    }),
  );

  it("leaves its watches to nobody", async () => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    const nexts = [reader(log).next(), reader(log).next()];
    await turn();
    await turn();
    await log.close();
    await Promise.all(nexts);
    expect(etcd.watches).toBe(0);
  });
});
