import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createClient } from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { openSession } from "../../../src/sessions/client/open-session.js";
import { sessionClient } from "../../../src/sessions/client/session-client.js";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { failureOf } from "../client/failure-of.js";
import { lastEvent } from "../client/last-event.js";
import { SessionServer } from "../server/session-server.js";
import { firstOf } from "./etcd-gateway.js";

checkLeaks();

describe.each([
  {
    what: "an earlier copy of etcd's data",
    flags: [],
    // The copy has its first request, and the session has the answers to three.
    keepsCopy: true,
    sessionEnd: "LOG_REGRESSED",
  },
  {
    what: "a new cluster at the same place",
    flags: ["--initial-cluster-token", "another"],
    keepsCopy: false,
    sessionEnd: "WRONG_CLUSTER",
  },
])("sessions over $what", ({ flags, keepsCopy, sessionEnd }) => {
  const etcd = useEtcd();

  it("stop at the server that runs, and end at clients that find another one", async () => {
    const member = firstOf(etcd());
    const { endpoints } = etcd();
    const network = createMemoryTransport();
    const store = { open: () => openEtcdLog({ endpoints, prefix: "restored/", watchCheckMs: 100 }) };
    const start = (serverId: string, address: string) =>
      SessionServer.start({ network, store, sessions: { serverId }, server: { address } });
    const nodes = { 1: "127.0.0.1:1001", 2: "127.0.0.1:1002" };
    const folder = await mkdtemp(join(tmpdir(), "quorate-etcd-copy-"));
    try {
      await using one = await start("one", nodes[1]);
      await using configuration = await connect({ nodes, transport: network, extensions: [sessionClient()] });
      await using session = await openSession(configuration);
      const register = createClient(Register, session);
      await register.append({ value: "a" });
      await member.kill();
      await cp(member.dataFolder, folder, { recursive: true });
      await member.start();
      await register.append({ value: "b" });
      expect((await register.append({ value: "c" })).value).toBe("abc");

      await member.kill();
      await rm(member.dataFolder, { recursive: true });
      if (keepsCopy) await cp(folder, member.dataFolder, { recursive: true });
      await member.start(flags);
      await eventually(() => one.sessions.stopped.aborted, "the end of the server");
      expect(one.sessions.stopped.reason).toMatchObject({ code: Code.DataLoss, reason: "LOG_REGRESSED" });

      // A server that starts now cannot know.
      await using two = await start("two", nodes[2]);
      const failure = await failureOf(register.append({ value: "d" }));
      expect(failure.cause).toMatchObject({ reason: sessionEnd });
      expect(await lastEvent(session)).toMatchObject({ kind: "ended", error: { reason: sessionEnd } });
      expect(two.register.value("")).toBe(keepsCopy ? "a" : "");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
