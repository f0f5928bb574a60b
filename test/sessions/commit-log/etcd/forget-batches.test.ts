import { afterEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../../../internal/errors/code.js";
import { keysBelow } from "../../../../src/sessions/commit-log/etcd/etcd-keys.js";
import { openLogWith } from "../../../../src/sessions/commit-log/etcd/etcd-log.js";
import { eventually } from "../../../helpers/eventually.js";
import { checkLeaks } from "../../../helpers/leaks.js";
import { turn } from "../../../helpers/turn.js";
import { appendAll, bytes, texts } from "../log-helpers.js";
import { appendOneByOne, floorOf, gate, namesIn, openOn, prefix } from "./log-on-etcd.js";
import { answered, type Fate, puts, type SimulatedCall, SimulatedEtcd } from "./simulated-etcd.js";

checkLeaks();

afterEach(() => vi.restoreAllMocks());

const keys = keysBelow(prefix);

describe("forgetting the entries of a log in etcd", () => {
  it.each<Fate["kind"]>(["answered", "late"])(
    "does not set the floor back when a slow server raises it: %s",
    async (kind) => {
      const etcd = new SimulatedEtcd();
      const [{ client, log }, other] = [await openOn(etcd), await openOn(etcd)];
      const ops = await appendOneByOne(log, texts(5));
      const slow = gate();
      let tries = 0;
      etcd.plan = (call) => {
        if (call.client !== client || !puts(call, "floor") || ++tries > 1) return answered;
        return kind === "late"
          ? { kind: "late", until: slow.opened }
          : { kind: "answered", after: slow.opened };
      };
      const saving = log.saveSnapshot(ops[1] ?? 0, bytes("low"));
      await eventually(() => tries > 0);
      await other.log.saveSnapshot(ops[4] ?? 0, bytes("high"));
      expect(floorOf(etcd)).toBe(ops[4]);
      slow.open();
      await saving;
      await turn();
      await turn();
      expect(floorOf(etcd)).toBe(ops[4]);
      await Promise.all([log.close(), other.log.close()]);
    },
  );

  it("has what is before it forgotten: whole batches, in as many transactions as it takes", async () => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    await appendOneByOne(log, texts(250));
    const ops = await appendAll(log, texts(3));
    const deletions: number[] = [];
    etcd.plan = (call) => {
      const { length } = call.request.success.filter(({ request }) => request.case === "requestDeleteRange");
      if (length > 0) deletions.push(length);
      return answered;
    };
    await log.saveSnapshot(ops[1] ?? 0, bytes("state"));
    expect(deletions).toEqual([100, 100, 50]);
    // It has an entry above.
    expect(namesIn(etcd, keys.batches)).toHaveLength(1);
    expect(floorOf(etcd)).toBe(ops[1]);
    await log.close();
  });

  it("forgets what an interrupted run has left", async () => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd, { requestTimeoutMs: 100 });
    const ops = await appendOneByOne(log, texts(6));
    const isDeletion = ({ request }: SimulatedCall) =>
      request.success.some(
        ({ request: op }) => op.case === "requestDeleteRange" && op.value.rangeEnd.length === 0,
      );
    const failure: Fate = {
      kind: "refused",
      code: Code.PermissionDenied,
      message: "etcdserver: permission denied",
    };
    etcd.plan = (call) => (isDeletion(call) ? failure : answered);
    await expect(log.saveSnapshot(ops[2] ?? 0, bytes("one"))).rejects.toMatchObject({
      reason: "LOG_UNAVAILABLE",
    });
    expect(namesIn(etcd, keys.batches)).toHaveLength(6);
    etcd.plan = () => answered;
    expect(await log.saveSnapshot(ops[4] ?? 0, bytes("two"))).toBe(true);
    expect(namesIn(etcd, keys.batches)).toHaveLength(2);
    await log.close();
  });

  it("forgets nothing of another log that stands in the place of its own", async () => {
    const etcd = new SimulatedEtcd();
    const { log } = await openOn(etcd);
    const [, , op = 0] = await appendOneByOne(log, texts(3));
    const another = new SimulatedEtcd();
    const other = openLogWith(another.client(), { endpoints: ["127.0.0.1:1"], prefix });
    await other.genesis(bytes("another"));
    await other.append(bytes("e1"));
    etcd.plan = (call) => {
      if (puts(call, "floor")) etcd.store = another.store;
      return answered;
    };
    await expect(log.saveSnapshot(op, bytes("state"))).rejects.toMatchObject({ reason: "LOG_REGRESSED" });
    expect(namesIn(another, keys.batches)).toHaveLength(1);
    expect(floorOf(another)).toBe(0);
    await Promise.all([log.close(), other.close()]);
  });
});
