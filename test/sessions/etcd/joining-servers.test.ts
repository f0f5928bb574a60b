import { byId, connect, createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { openSession } from "../../../src/sessions/client/open-session.js";
import type { Session } from "../../../src/sessions/client/session.js";
import { sessionClient } from "../../../src/sessions/client/session-client.js";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { openTestLog, type TestLogOptions } from "../server/open-test-log.js";
import { type RegisterServer, startRegisterServer } from "./register-server.js";

checkLeaks();

describe("servers that join and leave", () => {
  const etcd = useEtcd();

  it("have all that was acknowledged, once, while requests run", async () => {
    const start = (serverId: string) => {
      const log = openEtcdLog({ endpoints: etcd().endpoints, prefix: "joining/" });
      return startRegisterServer({ log, serverId, snapshotEvery: 50, checkEvery: 20 });
    };
    await using one = await start("one");
    await using two = await start("two");
    const nodes = { 1: one.address, 2: two.address };
    await using configuration = await connect({ nodes, extensions: [sessionClient()] });
    const session = await openSession(configuration, { prefer: byId });
    const load = new Load(session);
    try {
      await load.more(200);
      await eventually(() => savedSnapshots(one, two) >= 2);
      await using three = await start("three");
      // It had a snapshot, and ran only what came behind it.
      expect(three.register.runs).not.toContain("0,");
      await load.more(100);
      await one.close();
      await load.more(100);
      await load.stop();
      const last = load.sent.at(-1);
      for (const { register, sessions } of [two, three]) {
        await eventually(() => register.runs.at(-1) === last);
        expect(register.value("k")).toBe(load.sent.join(""));
        expect(sessions.stopped.aborted).toBe(false);
      }
      expect(two.register.runs).toEqual(load.sent);
    } finally {
      await session.close({ abort: true });
    }
  });

  it("have the same state, byte for byte, also when they were away for many entries and several snapshots", async () => {
    const options = { endpoints: etcd().endpoints, prefix: "away/" };
    const open = (serverId: string, more: TestLogOptions = {}) =>
      openTestLog(openEtcdLog(options), { serverId, ...more });
    await using one = await open("one", { snapshotEvery: 100 });
    const two = await open("two");
    for (let client = 1; client <= 5; client++) await two.register(client);
    await two.log.close();
    const before = two.machine.runs.length;
    const snapshots = () => one.observer.told.filter((each) => each.startsWith("snapshotSaved")).length;
    for (let at = 0; snapshots() < 3; at++) await one.effectOf(one.request((at % 5) + 1, `r${at}`));
    await one.effectOf(one.request(1, "behind the snapshot"));
    await using again = await open("two");
    await using fresh = await open("three");
    for (const { log } of [one, again, fresh]) await log.barrier();
    expect(one.machine.runs.length).toBeGreaterThan(before + 250);
    expect(again.state()).toBe(one.state());
    expect(fresh.state()).toBe(one.state());
  });
});

/** How many snapshots these servers have stored. */
function savedSnapshots(...servers: readonly RegisterServer[]): number {
  return servers.flatMap(({ events }) => events.filter(({ kind }) => kind === "snapshotSaved")).length;
}

/** Appends of one session, eight at a time, without a pause. */
class Load {
  readonly sent: string[] = [];
  readonly #working: Promise<void>;
  #isStopping = false;

  constructor(session: Session) {
    this.#working = this.#work(session);
    // Told of in `stop`.
    this.#working.catch(() => {});
  }

  /** Resolves once so many more were sent. */
  async more(count: number): Promise<void> {
    const until = this.sent.length + count;
    await eventually(() => this.sent.length >= until, `${count} more requests`, 10_000);
  }

  /** Resolves once all were answered. */
  stop(): Promise<void> {
    this.#isStopping = true;
    return this.#working;
  }

  async #work(session: Session): Promise<void> {
    const register = createClient(Register, session);
    while (!this.#isStopping) {
      const values = Array.from({ length: 8 }, (_, at) => `${this.sent.length + at},`);
      this.sent.push(...values);
      await Promise.all(values.map((value) => register.append({ key: "k", value })));
    }
  }
}
