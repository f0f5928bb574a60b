import { createServer } from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { createSessions } from "../../../src/sessions/server/create-sessions.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { append, read, valueOf, write } from "../server/register-service.js";
import { SessionServer, type SessionServerOptions } from "../server/session-server.js";

checkLeaks();

const address = "127.0.0.1:0";

describe("servers of one log in etcd", () => {
  const etcd = useEtcd();
  let logs = 0;

  function newStore(options: { readonly maxEntryBytes?: number } = {}) {
    const prefix = `servers-${++logs}/`;
    return { open: () => openEtcdLog({ endpoints: etcd().endpoints, prefix, ...options }) };
  }

  function startAll(servers: readonly NonNullable<SessionServerOptions["sessions"]>[]) {
    const [network, store] = [createMemoryTransport(), newStore()];
    return Promise.allSettled(servers.map((sessions) => SessionServer.start({ network, store, sessions })));
  }

  it("that start at once on an empty one get the same cluster, and the same state", async () => {
    const started = await startAll(["a", "b", "c"].map((serverId) => ({ serverId, checkEvery: 1 })));
    const servers = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    try {
      expect(servers).toHaveLength(3);
      expect(new Set(servers.map(({ sessions }) => sessions.snapshot().clusterId)).size).toBe(1);
      for (const [at, server] of servers.entries()) {
        const client = await server.open(at + 1);
        valueOf(await client.request(1, append(`${at}`)));
      }
      await eventually(() => servers.every(({ register }) => register.value("k") === "012"));
      expect(servers.some(({ sessions }) => sessions.stopped.aborted)).toBe(false);
    } finally {
      await Promise.all(servers.map((server) => server.close()));
    }
  });

  it("that start at once with different limits: one begins the log, the others are told of the difference", async () => {
    const started = await startAll(
      [7, 8, 9].map((maxInFlight) => ({ serverId: `${maxInFlight}`, limits: { maxInFlight } })),
    );
    const servers = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const errors = started.flatMap((each): unknown[] => (each.status === "rejected" ? [each.reason] : []));
    await Promise.all(servers.map((server) => server.close()));
    expect(servers).toHaveLength(1);
    expect(errors).toHaveLength(2);
    for (const error of errors) expect(error).toMatchObject({ reason: "LIMITS_DIFFER" });
  });

  it("show in a read what was acknowledged at another one before", async () => {
    await using one = await SessionServer.start({ store: newStore() });
    await using two = await one.join();
    const writer = await one.open(1);
    const reader = await two.open(2);
    for (let at = 1; at <= 50; at++) {
      const written = valueOf(await writer.request(at, append(`${at},`)));
      expect(valueOf(await reader.read(read()))).toBe(written);
    }
  });

  it("do not start below the limits that another one has configured, and say which", async () => {
    const large = newStore();
    const small = {
      open: () => openEtcdLog({ endpoints: etcd().endpoints, prefix: `servers-${logs}/`, maxEntryBytes }),
    };
    const maxEntryBytes = 200_000;
    const limits = { maxRequestBytes: 100_000, maxReplyBytes: 100_000 };
    await using one = await SessionServer.start({ store: large, sessions: { limits } });
    const { network } = one;
    const sessions = { serverId: "two" };
    await using two = await SessionServer.start({ network, store: small, sessions });
    expect(await one.sessions.configure({ maxRequestBytes: 500_000 })).toMatchObject({
      maxRequestBytes: 500_000,
    });
    const client = await one.open();
    expect(await client.request(1, write("x".repeat(400_000)))).toMatchObject({ error: undefined });
    // What is in the log it takes, as it runs.
    await eventually(() => two.register.value("k").length === 400_000);
    await two.close();
    await expect(SessionServer.start({ network, store: small, sessions })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringMatching(/maxRequestBytes.*500000.*an entry of the log.*200000/),
    });
  });

  it("must have ids of their own: there is no default that two could share", async () => {
    const { open } = newStore();
    const log = open();
    await expect(createServer({ address, extensions: [createSessions({ log })] })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringContaining("serverId"),
    });
    // As the server did not start, it has closed the log.
    await expect(log.tail()).rejects.toMatchObject({ reason: "CLOSED" });
    const sessions = createSessions({ log: open() });
    const asNode = { nodes: { 1: "127.0.0.1:1" }, nodeId: 1 };
    await using server = await createServer({ address, ...asNode, extensions: [sessions] });
    expect(server.address).toMatch(/^127\.0\.0\.1:/);
    expect(sessions.snapshot().appliedOp).toBeGreaterThan(0);
  });
});
