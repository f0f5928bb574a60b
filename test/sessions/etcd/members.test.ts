import { describe, expect, it } from "vitest";
import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import { type EtcdLogOptions, openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { begun, bytes, reader, take, text } from "../commit-log/log-helpers.js";
import { AppendLoad, expectIn, followTo } from "./append-load.js";

checkLeaks();

describe("a log in an etcd of three members", () => {
  const etcd = useEtcd({ members: 3 });
  let logs = 0;

  /** Handles on one log. */
  async function open(options: Partial<EtcdLogOptions> = {}): Promise<Handles> {
    const prefix = `members-${++logs}/`;
    const openOne = (more: Partial<EtcdLogOptions> = {}) =>
      openEtcdLog({
        endpoints: etcd().endpoints,
        prefix,
        tryTimeoutMs: 250,
        watchCheckMs: 200,
        ...options,
        ...more,
      });
    const [one, two] = [await begun(openOne()), await begun(openOne())];
    const opened = [one, two];
    return {
      one,
      two,
      another: async (more) => {
        const log = await begun(openOne(more));
        opened.push(log);
        return log;
      },
      [Symbol.asyncDispose]: async () => {
        await Promise.all(opened.map((log) => log.close()));
      },
    };
  }

  it("keeps what was acknowledged, once and in order, when the leader is killed under load", async () => {
    await using handles = await open();
    const { one, two } = handles;
    const follower = reader(two);
    const load = new AppendLoad([one, two], 8);
    for (let round = 1; round <= 2; round++) {
      await load.more(200);
      const leader = await etcd().leader();
      await leader.kill();
      await load.more(200);
      await leader.start();
    }
    await load.stop();
    expect([...load.failed.values()]).toEqual([]);
    const found = await expectIn(await handles.another(), load);
    expect(await followTo(follower, found.at(-1)?.op ?? 0)).toEqual(found.map(({ op }) => op));
    await follower.return?.();
    console.info(`the longest pause was ${Math.round(load.longestPauseMs)} ms`);
  });

  it("goes on when the leader is stopped under load, and when it goes on as well", async () => {
    await using handles = await open();
    const { one, two } = handles;
    const follower = reader(one);
    const load = new AppendLoad([one, two], 8);
    await load.more(100);
    const leader = await etcd().leader();
    leader.stop();
    try {
      await load.more(200);
    } finally {
      leader.resume();
    }
    await load.more(200);
    await load.stop();
    expect([...load.failed.values()]).toEqual([]);
    const found = await expectIn(await handles.another(), load);
    expect(await followTo(follower, found.at(-1)?.op ?? 0)).toEqual(found.map(({ op }) => op));
    await follower.return?.();
  });

  it("answers nothing without a majority, and settles what waits once there is one", async () => {
    await using handles = await open();
    const { one } = handles;
    const hasty = await handles.another({ requestTimeoutMs: 500 });
    const follower = reader(one);
    await one.append(bytes("before"));
    expect((await take(follower, 1)).map(({ entry }) => text(entry))).toEqual(["before"]);
    const [first, second] = etcd().members;
    await Promise.all([first?.kill(), second?.kill()]);
    const settled: string[] = [];
    const waiting = ["w1", "w2"].map((each) => one.append(bytes(each)).finally(() => settled.push(each)));
    const away = { reason: "LOG_UNAVAILABLE", message: expect.stringContaining("within 500 ms") };
    const sinceMs = performance.now();
    const asked = [hasty.tail(), hasty.loadSnapshot(), hasty.saveSnapshot(1024, bytes("state"))];
    for (const outcome of await Promise.allSettled(asked)) expect(outcome).toMatchObject({ reason: away });
    expect(performance.now() - sinceMs).toBeLessThan(5_000);
    expect(settled).toEqual([]);
    await Promise.all([first?.start(), second?.start()]);
    const ops = await Promise.all(waiting);
    expect(await hasty.tail()).toBe(ops[1]);
    expect((await take(follower, 2)).map(({ op, entry }) => [op, text(entry)])).toEqual([
      [ops[0], "w1"],
      [ops[1], "w2"],
    ]);
    await follower.return?.();
  });

  it("is followed at another member when the one of the watch is stopped", async () => {
    await using handles = await open();
    const { one, two } = handles;
    const follower = reader(two);
    await one.append(bytes("e0"));
    expect((await take(follower, 1)).map(({ entry }) => text(entry))).toEqual(["e0"]);
    const [watched] = etcd().members;
    watched?.stop();
    try {
      await one.append(bytes("e1"));
      const came: string[] = [];
      const next = take(follower, 1).then((found) => came.push(...found.map(({ entry }) => text(entry))));
      // Before the connection to it is given up.
      await eventually(() => came.length > 0, "the entry", 5_000);
      await next;
      expect(came).toEqual(["e1"]);
    } finally {
      watched?.resume();
    }
    await one.append(bytes("e2"));
    expect((await take(follower, 1)).map(({ entry }) => text(entry))).toEqual(["e2"]);
    await follower.return?.();
  });

  it("goes on when all members were killed and started again", async () => {
    await using handles = await open();
    const { one, two } = handles;
    const follower = reader(two);
    const load = new AppendLoad([one, two], 4);
    await load.more(100);
    await Promise.all(etcd().members.map((member) => member.kill()));
    await Promise.all(etcd().members.map((member) => member.start()));
    await load.more(100);
    await load.stop();
    expect([...load.failed.values()]).toEqual([]);
    const found = await expectIn(await handles.another(), load);
    expect(await followTo(follower, found.at(-1)?.op ?? 0)).toEqual(found.map(({ op }) => op));
    await follower.return?.();
  });
});

interface Handles extends AsyncDisposable {
  readonly one: CommitLog;
  readonly two: CommitLog;
  another(more?: Partial<EtcdLogOptions>): Promise<CommitLog>;
}
