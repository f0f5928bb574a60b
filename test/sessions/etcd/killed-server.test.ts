import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { byId, Code, type Configuration, connect, createClient } from "quorate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSession } from "../../../src/sessions/client/open-session.js";
import type { Session } from "../../../src/sessions/client/session.js";
import { sessionClient } from "../../../src/sessions/client/session-client.js";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { Payments } from "../../gen/payments/v1/payments_quorate.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { type RegisterServerOptions, startRegisterServer } from "./register-server.js";
import { startServerChild } from "./start-server-child.js";

checkLeaks();

/** Opens a session at the node with the lowest id. */
async function openAtFirst(configuration: Configuration): Promise<Session> {
  await eventually(() => [...configuration].every(({ connected }) => connected));
  const session = await openSession(configuration, { prefer: byId });
  for await (const event of session.events) {
    expect(event).toMatchObject({ kind: "bound", node: { id: 1 } });
    break;
  }
  return session;
}

describe("a session whose server is killed", () => {
  const etcd = useEtcd();
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "quorate-killed-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  function start(prefix: string, serverId: string, options: Omit<RegisterServerOptions, "log"> = {}) {
    const log = openEtcdLog({ endpoints: etcd().endpoints, prefix });
    return startRegisterServer({ ...options, log, serverId, checkEvery: 5 });
  }

  it("resumes at another one, and its unanswered requests are applied once", async () => {
    const prefix = "resumes/";
    await using killed = await startServerChild({ ...etcd(), prefix, serverId: "one" });
    await using two = await start(prefix, "two");
    await using three = await start(prefix, "three");
    const nodes = { 1: killed.address, 2: two.address, 3: three.address };
    await using configuration = await connect({ nodes, extensions: [sessionClient()] });
    await using session = await openAtFirst(configuration);
    const register = createClient(Register, session);
    const before = session.snapshot().session;

    const replies: string[] = [];
    const calls: Promise<void>[] = [];
    const call = (value: string) => {
      calls.push(register.append({ key: "k", value }).then((reply) => void replies.push(reply.value)));
    };
    for (let at = 0; at < 200; at++) call(`${at},`);
    await eventually(() => replies.length >= 20, "the first answers");
    await killed.child.kill();
    expect(replies.length).toBeLessThan(200);
    for (let at = 200; at < 220; at++) call(`${at},`);
    await Promise.all(calls);

    const values = Array.from({ length: 220 }, (_, at) => `${at},`);
    const all = values.map((_, at) => values.slice(0, at + 1).join(""));
    expect([...replies].sort((a, b) => a.length - b.length)).toEqual(all);
    expect(session.snapshot().session).toBeGreaterThan(before);
    for (const { register: applied, sessions } of [two, three]) {
      await eventually(() => applied.runs.length >= values.length);
      expect(applied.runs).toEqual(values);
      expect(sessions.stopped.aborted).toBe(false);
    }
  });

  it("is told that the outcome of a guarded request is unknown, and nobody runs it again", async () => {
    const prefix = "guarded/";
    const file = join(folder, "payments");
    const limits = { guardTimeoutMs: 500, tickMs: 250, idleTimeoutMs: 60_000 };
    const ran: string[] = [];
    const pay = ({ text }: { readonly text: string }) => {
      ran.push(text);
      return { text: `paid ${text}, elsewhere` };
    };
    await using two = await start(prefix, "two", { limits, pay });
    await using killed = await startServerChild({ ...etcd(), prefix, serverId: "one", file });
    const nodes = { 1: killed.address, 2: two.address };
    await using configuration = await connect({ nodes, extensions: [sessionClient()] });
    await using session = await openAtFirst(configuration);
    const payments = createClient(Payments, session);
    expect((await payments.pay({ text: "10" })).text).toBe("paid 10");
    const lost = payments.pay({ text: "hang" });
    await killed.child.lines(3);
    await killed.child.kill();
    await expect(lost).rejects.toMatchObject({ code: Code.Aborted, reason: "OUTCOME_UNKNOWN" });
    expect((await payments.pay({ text: "30" })).text).toBe("paid 30, elsewhere");
    expect(ran).toEqual(["30"]);
    expect(await readFile(file, "utf8")).toBe("10\nhang\n");
    expect(two.sessions.snapshot().openIntents).toBe(0);
  });
});
