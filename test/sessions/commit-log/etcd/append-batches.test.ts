import { describe, expect, it } from "vitest";
import { Code } from "../../../../internal/errors/code.js";
import type { CommitLog } from "../../../../src/sessions/commit-log/commit-log.js";
import { AppendError } from "../../../../src/sessions/commit-log/log-errors.js";
import { eventually } from "../../../helpers/eventually.js";
import { checkLeaks } from "../../../helpers/leaks.js";
import { turn } from "../../../helpers/turn.js";
import { appendAll, bytes, readAll, reader, readTexts, take, text, texts } from "../log-helpers.js";
import { fatesOf, gate, openOn, outcomeOf } from "./log-on-etcd.js";
import { answered, type Fate, isAppend, SimulatedEtcd } from "./simulated-etcd.js";

checkLeaks();

const full: Fate = {
  kind: "refused",
  code: Code.ResourceExhausted,
  message: "etcdserver: mvcc: database space exceeded",
};

describe("appending to a log in etcd", () => {
  it.each<{ name: string; fates: Fate[] }>([
    { name: "is lost", fates: [{ kind: "lost" }] },
    { name: "is carried out and not answered", fates: [{ kind: "unanswered" }] },
    { name: "is lost, as its retries are", fates: Array.from({ length: 5 }, () => ({ kind: "lost" })) },
    {
      name: "is not answered, as its retries are",
      fates: [{ kind: "lost" }, { kind: "unanswered" }, { kind: "unanswered" }],
    },
    {
      name: "is refused for its pace",
      fates: [{ kind: "refused", code: Code.ResourceExhausted, message: "etcdserver: too many requests" }],
    },
    { name: "has filled etcd", fates: [{ kind: "filling" }] },
    { name: "is lost, and its retry has filled etcd", fates: [{ kind: "lost" }, { kind: "filling" }] },
    { name: "is lost, and etcd is full for a while", fates: [{ kind: "lost" }, full, full] },
    { name: "is carried out, and etcd is full then", fates: [{ kind: "unanswered" }, full] },
  ])("puts a batch once, and in the order of the calls, whose first try $name", async ({ fates }) => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    etcd.plan = fatesOf(isAppend, fates);
    const first = log.append(bytes("e1"));
    await turn();
    await turn();
    const ops = await Promise.all([first, ...texts(3, 2).map((each) => log.append(bytes(each)))]);
    expect(ops.toSorted((a, b) => a - b)).toEqual(ops);
    expect(await readTexts(log)).toEqual(texts(4));
    expect((await readAll(log)).map(({ op }) => op)).toEqual(ops);
    await log.close();
  });

  it.each<{ name: string; fate: Fate; reason: string }>([
    { name: "is full", fate: full, reason: "LOG_UNAVAILABLE" },
    {
      name: "does not let this user",
      fate: { kind: "refused", code: Code.PermissionDenied, message: "etcdserver: permission denied" },
      reason: "LOG_UNAVAILABLE",
    },
    {
      name: "takes no requests of this size",
      fate: { kind: "refused", code: Code.InvalidArgument, message: "etcdserver: request is too large" },
      reason: "ENTRY_TOO_LARGE",
    },
    {
      name: "takes no messages of this size",
      fate: {
        kind: "refused",
        code: Code.ResourceExhausted,
        message: "grpc: received message larger than max (5242898 vs. 2097152)",
      },
      reason: "ENTRY_TOO_LARGE",
    },
  ])("fails as not appended when etcd $name, and goes on", async ({ fate, reason }) => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    etcd.plan = fatesOf(isAppend, [fate]);
    const [refused] = await Promise.allSettled([log.append(bytes("refused"))]);
    expect(refused).toMatchObject({ reason: { outcome: "not-appended", reason } });
    await log.append(bytes("after"));
    expect(await readTexts(log)).toEqual(["after"]);
    await log.close();
  });

  it("is unknown where the batch that has filled etcd is forgotten by the time it is looked for", async () => {
    const etcd = new SimulatedEtcd();
    const [{ client, log }, other] = [await openOn(etcd), await openOn(etcd)];
    const looking = gate();
    let isLooking = false;
    etcd.plan = (call) => {
      if (call.client !== client) return answered;
      if (isAppend(call)) return { kind: "filling" };
      isLooking = true;
      return { kind: "answered", after: looking.opened };
    };
    const appending = outcomeOf(log.append(bytes("filling")));
    await eventually(() => isLooking);
    await forget(other.log);
    looking.open();
    expect(await appending).toBe("unknown");
    await Promise.all([log.close(), other.log.close()]);
  });

  it("puts what was not put, and cannot be with the floor above, with the new floor as its bound", async () => {
    const etcd = new SimulatedEtcd();
    const [{ client, log }, other] = [await openOn(etcd), await openOn(etcd)];
    const sleeping = gate();
    let tries = 0;
    etcd.plan = (call) => {
      if (call.client !== client || !isAppend(call)) return answered;
      tries += 1;
      return tries === 1 ? { kind: "answered", after: sleeping.opened } : answered;
    };
    const appending = log.append(bytes("slow"));
    await eventually(() => tries === 1);
    const op = await forget(other.log);
    sleeping.open();
    expect(await appending).toBeGreaterThan(op);
    expect(tries).toBe(2);
    expect(await readTexts(other.log, op)).toEqual(["slow"]);
    await Promise.all([log.close(), other.log.close()]);
  });

  describe("by a server that sleeps between a try and the next", () => {
    type Step = "late" | "forget" | "retry";
    const rows: readonly { first: Fate["kind"]; steps: Step[]; outcome: string; times: number }[] = [
      { first: "lost", steps: ["retry", "forget"], outcome: "appended", times: 1 },
      { first: "lost", steps: ["forget", "retry"], outcome: "unknown", times: 0 },
      { first: "unanswered", steps: ["retry", "forget"], outcome: "appended", times: 1 },
      { first: "unanswered", steps: ["forget", "retry"], outcome: "unknown", times: 1 },
      { first: "late", steps: ["late", "retry", "forget"], outcome: "appended", times: 1 },
      { first: "late", steps: ["retry", "late", "forget"], outcome: "appended", times: 1 },
      { first: "late", steps: ["retry", "forget", "late"], outcome: "appended", times: 1 },
      { first: "late", steps: ["late", "forget", "retry"], outcome: "unknown", times: 1 },
      { first: "late", steps: ["forget", "late", "retry"], outcome: "unknown", times: 0 },
      { first: "late", steps: ["forget", "retry", "late"], outcome: "unknown", times: 0 },
    ];

    it.each(rows)("puts a batch once at most: first try $first, then $steps", async (row) => {
      const etcd = new SimulatedEtcd();
      const [{ client, log }, other] = [await openOn(etcd), await openOn(etcd)];
      await log.append(bytes("before"));
      const [late, awake] = [gate(), gate()];
      let tries = 0;
      etcd.plan = (call) => {
        if (call.client !== client || !isAppend(call)) return answered;
        tries += 1;
        if (tries > 2) return answered;
        if (tries === 2) return { kind: "answered", after: awake.opened };
        return row.first === "late" ? { kind: "late", until: late.opened } : { kind: row.first as "lost" };
      };
      const everything = reader(other.log);
      // From here on it watches, and so sees what is forgotten, too.
      await take(everything, 1);
      const outcome = outcomeOf(log.append(bytes("slow")));
      await eventually(() => tries === 2);
      const behind = outcomeOf(log.append(bytes("behind")));
      const steps = {
        late: async () => {
          late.open();
          await turn();
        },
        forget: () => forget(other.log),
        retry: async () => {
          awake.open();
          await outcome;
        },
      };
      for (const step of row.steps) await steps[step]();
      const behindOp = await behind;
      const last = await other.log.append(bytes("end"));
      const seen = new Map<string, number[]>();
      for (let next = await everything.next(); next.done !== true; next = await everything.next()) {
        const { entry, op } = next.value;
        seen.set(text(entry), [...(seen.get(text(entry)) ?? []), op]);
        if (op === last) break;
      }
      const told = await outcome;
      expect(typeof told === "number" ? "appended" : told).toBe(row.outcome);
      expect(seen.get("slow") ?? []).toHaveLength(row.times);
      expect(typeof told === "number" ? seen.get("slow") : [told]).toEqual([told]);
      expect(seen.get("behind")).toEqual([behindOp]);
      const [slowOp = 0] = seen.get("slow") ?? [];
      expect(behindOp).toBeGreaterThan(slowOp);
      await everything.return?.();
      await Promise.all([log.close(), other.log.close()]);
    });
  });

  it.each([
    { what: "the entries of one turn", count: 30, bytesEach: 10, maxRequestBytes: 200_000, batches: [30] },
    {
      what: "1,024 entries",
      count: 2_500,
      bytesEach: 10,
      maxRequestBytes: 200_000,
      batches: [1_024, 1_024, 452],
    },
    {
      what: "what fits into a request",
      count: 10,
      bytesEach: 50_000,
      maxRequestBytes: 256 * 1_024,
      batches: [3, 3, 3, 1],
    },
  ])("makes one transaction of $what", async ({ batches, bytesEach, count, maxRequestBytes }) => {
    const etcd = new SimulatedEtcd();
    etcd.store.maxRequestBytes = maxRequestBytes;
    const { log } = await openOn(etcd, { maxRequestBytes });
    const found: number[] = [];
    etcd.plan = (call) => {
      const head = call.request.success.at(-1)?.request;
      if (isAppend(call) && head?.case === "requestPut") found.push(Number(text(head.value.value)));
      return answered;
    };
    const entries = Array.from({ length: count }, (_, at) => new Uint8Array(bytesEach).fill(at % 256));
    const ops = await Promise.all(entries.map((entry) => log.append(entry)));
    expect(found).toEqual(batches);
    expect(new Set(ops).size).toBe(count);
    expect(ops.toSorted((a, b) => a - b)).toEqual(ops);
    expect(await log.tail()).toBe(ops.at(-1));
    await log.close();
  });

  it("is refused for good once the log is another one, or ends before what this handle has read of it", async () => {
    for (const isOther of [true, false]) {
      const etcd = new SimulatedEtcd();
      const { log } = await openOn(etcd);
      const early = etcd.store.restored();
      await appendAll(log, ["one"]);
      etcd.store = isOther ? new SimulatedEtcd().store : early;
      const [first, second] = await Promise.allSettled([
        log.append(bytes("first")),
        turn().then(() => log.append(bytes("second"))),
      ]);
      expect(first).toMatchObject({
        reason: {
          code: Code.DataLoss,
          reason: "LOG_REGRESSED",
          outcome: isOther ? "not-appended" : "unknown",
        },
      });
      expect(second).toMatchObject({ reason: { outcome: "not-appended", reason: "LOG_REGRESSED" } });
      expect((second as PromiseRejectedResult).reason).toBeInstanceOf(AppendError);
      await log.close();
    }
  });
});

/** Appends an entry, stores a snapshot at it, and so has all before it deleted. Resolves with its position. */
async function forget(log: CommitLog): Promise<number> {
  const op = await log.append(bytes("forgetting"));
  expect(await log.saveSnapshot(op, bytes("state"))).toBe(true);
  return op;
}
