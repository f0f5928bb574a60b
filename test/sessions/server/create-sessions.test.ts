import { Code, connect, createClient, createServer, QuorateError } from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { createMemoryLog, createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { decodeLogRecord } from "../../../src/sessions/record/decode-log-record.js";
import { createSessions, type SessionsOptions } from "../../../src/sessions/server/create-sessions.js";
import { rejectionOf } from "../../calls/held-cluster.js";
import { Payments } from "../../gen/payments/v1/payments_quorate.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { Test } from "../../gen/test/v1/test_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { echoHandlers } from "../../helpers/test-service.js";
import { TestExtension } from "../../server/test-extension.js";
import { thrownBy } from "../client/client-session.js";
import { FaultyLog } from "./faulty-log.js";
import { entriesOf } from "./log-control.js";
import { append, TestRegister, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

const address = "127.0.0.1:0";
const invalid = { code: Code.InvalidArgument };
const tooLate = { code: Code.FailedPrecondition };

/** A log that tells whether it was closed. */
class WatchedLog extends FaultyLog {
  closes = 0;

  constructor() {
    super(createMemoryLog());
  }

  override close(): Promise<void> {
    this.closes += 1;
    return super.close();
  }
}

describe("createSessions", () => {
  it.each<[string, object]>([
    ["log", { log: undefined }],
    ["log", { log: {} }],
    ["authenticate", { authenticate: "ann" }],
    ["authenticate", { authenticate: null }],
    ["authenticate", { authenticate: { authenticate: () => ({ id: "ann" }) } }],
    ["serverId", { serverId: "" }],
    ["serverId", { serverId: "x".repeat(256) }],
    ["serverId", { serverId: 7 }],
    ["maxWaitMs", { maxWaitMs: 0 }],
    ["maxWaitMs", { maxWaitMs: 1.5 }],
    ["snapshotEvery", { snapshotEvery: 0 }],
    ["checkEvery", { checkEvery: -1 }],
    ["checkEvery", { checkEvery: Number.NaN }],
    ["onEvent", { onEvent: "console.log" }],
    ["maxSessions", { limits: { maxSessions: 0 } }],
    ["guardTimeoutMs", { limits: { idleTimeoutMs: 60_000 } }],
  ])("refuses a wrong %s: %j", (name, options) => {
    const all = { log: createMemoryLog(), ...options } as SessionsOptions;
    const error = thrownBy(() => createSessions(all));
    expect(error).toMatchObject(invalid);
    expect(error).toMatchObject({ message: expect.stringMatching(`^quorate: .*${name}`) as string });
  });

  it.each<[string, (sessions: ReturnType<typeof createSessions>) => unknown]>([
    ["a method that is not rpc", (sessions) => sessions.guard(Test, echoHandlers() as never)],
    [
      "a replicated method that is not rpc",
      (sessions) => sessions.replicate(Test, echoHandlers() as never, new TestRegister()),
    ],
    [
      "an async handler",
      (sessions) =>
        sessions.replicate(
          Register,
          Object.assign(Object.create(new TestRegister()) as TestRegister, { write: async () => ({}) }),
          new TestRegister(),
        ),
    ],
    ["no snapshot", (sessions) => sessions.replicate(Register, new TestRegister(), {} as never)],
    ["no options", (sessions) => sessions.replicate(Register, new TestRegister(), undefined as never)],
    [
      "a wrong version",
      (sessions) =>
        sessions.replicate(Register, new TestRegister(), {
          snapshot: () => new Uint8Array(),
          restore: () => {},
          version: -1,
        }),
    ],
    ["a missing handler", (sessions) => sessions.guard(Payments, { pay: () => ({}) } as never)],
  ])("refuses a service with %s, which may be added rightly then", (_, add) => {
    const sessions = createSessions({ log: createMemoryLog() });
    expect(thrownBy(() => add(sessions))).toMatchObject(invalid);
    const register = new TestRegister();
    const state = { snapshot: () => register.snapshot(), restore: () => {} };
    expect(sessions.replicate(Register, register, state)).toBe(sessions);
    expect(sessions.guard(Payments, { pay: () => ({}), paid: () => ({}) })).toBe(sessions);
    expect(thrownBy(() => sessions.replicate(Register, register, state))).toMatchObject(invalid);
  });
});

describe("sessions of a server", () => {
  it("are those of one server, and take no service later", async () => {
    const transport = createMemoryTransport();
    const log = new WatchedLog();
    const sessions = createSessions({ log });
    expect(thrownBy(() => sessions.snapshot())).toMatchObject(tooLate);
    expect(await rejectionOf(sessions.configure({}))).toMatchObject(tooLate);
    await using server = await createServer({ address, transport, extensions: [sessions] });
    expect(server.address).not.toBe("");
    const again = createServer({ address, transport, extensions: [sessions] });
    expect(await rejectionOf(again)).toMatchObject(tooLate);
    expect(log.closes).toBe(0);
    expect(sessions.snapshot().sessions).toBe(0);
    const add = () => sessions.guard(Payments, { pay: () => ({}), paid: () => ({}) });
    expect(thrownBy(add)).toMatchObject(tooLate);
  });

  it("are refused by connect(), and may go to a server then", async () => {
    const transport = createMemoryTransport();
    const sessions = createSessions({ log: createMemoryLog() });
    const connecting = connect({ nodes: { 1: "127.0.0.1:1" }, transport, extensions: [sessions] });
    expect(await rejectionOf(connecting)).toMatchObject(invalid);
    await using server = await createServer({ address, transport, extensions: [sessions] });
    expect(sessions.snapshot().clusterId).toMatch(/^[0-9a-f]{32}$/);
    expect(server.clients.size).toBe(0);
  });

  it("close their log with the server", async () => {
    const log = new WatchedLog();
    const extensions = [createSessions({ log })];
    const server = await createServer({ address, transport: createMemoryTransport(), extensions });
    expect(log.closes).toBe(0);
    await server.close();
    expect(log.closes).toBe(1);
  });

  it("close their log with a server that does not start", async () => {
    const transport = createMemoryTransport();
    await using taken = await createServer({ address, transport });
    const start = async (at: string, more: readonly TestExtension[] = [], limits = {}) => {
      const log = new WatchedLog();
      const sessions = createSessions({ log, limits });
      const error = await rejectionOf(
        createServer({ address: at, transport, extensions: [sessions, ...more] }),
      );
      return { reason: error.reason, message: error.message, closes: log.closes };
    };
    expect(await start(taken.address)).toMatchObject({ reason: "LISTEN_FAILED", closes: 1 });
    const failing = new TestExtension({ attach: () => Promise.reject(new QuorateError(Code.Aborted, "no")) });
    expect(await start(address, [failing])).toMatchObject({ message: "no", closes: 1 });
    expect(await start(address, [], { maxRequestBytes: 2 ** 30 })).toMatchObject({
      message: expect.stringContaining("maxRequestBytes") as string,
      closes: 1,
    });
  });

  it("say why they do not start, also if the log does not close", async () => {
    const log = new WatchedLog();
    log.faults.genesis = () => Promise.reject(new Error("the disk is gone"));
    log.close = () => Promise.reject(new Error("nor does it close"));
    const extensions = [createSessions({ log, maxWaitMs: 100 })];
    const starting = createServer({ address, transport: createMemoryTransport(), extensions });
    expect((await rejectionOf(starting)).message).toContain("the disk is gone");
    await log.real.close();
  });

  it("are known in the log by their id: the given one, the node's, or a fixed one", async () => {
    const idsOf = async (options: Partial<SessionsOptions>, replica: object) => {
      const store = createMemoryLogStore();
      const sessions = createSessions({ ...options, log: store.open() });
      const transport = createMemoryTransport();
      await using server = await createServer({ transport, extensions: [sessions], ...replica });
      const log = store.open();
      const [first] = (await entriesOf(log)).map(({ entry }) => decodeLogRecord(entry).entry);
      await log.close();
      expect(server.address).not.toBe("");
      return first;
    };
    const nodes = { 7: "127.0.0.1:7" };
    expect(await idsOf({}, { address })).toEqual({ kind: "serverUp", serverId: "server" });
    expect(await idsOf({}, { nodes, nodeId: 7 })).toEqual({ kind: "serverUp", serverId: "7" });
    expect(await idsOf({ serverId: "a" }, { nodes, nodeId: 7 })).toEqual({ kind: "serverUp", serverId: "a" });
  });

  it("refuse routes with the methods that they serve", async () => {
    const register = new TestRegister();
    const sessions = createSessions({ log: createMemoryLog() });
    sessions.replicate(Register, register, { snapshot: () => register.snapshot(), restore: () => {} });
    const starting = createServer({
      address,
      transport: createMemoryTransport(),
      extensions: [sessions],
      routes: (router) => router.service(Register, new TestRegister() as never),
    });
    expect(await rejectionOf(starting)).toMatchObject(invalid);
  });

  it("leave other services as they are", async () => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    expect(await createClient(Test, client.configuration.node(1)).echoRPC({ value: "x" })).toMatchObject({
      value: "echo: x",
    });
    expect(server.sessions.snapshot()).toMatchObject({ streams: 0 });
  });

  it("tell of themselves as plain data", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
    await client.request(1, append("a"));
    await client.request(9, append("z"));
    const release = server.control.holdAppends();
    const held = client.request(2, append("b"));
    await eventually(() => server.sessions.snapshot().inFlight === 1);
    const snapshot = server.sessions.snapshot();
    expect(structuredClone(snapshot)).toEqual(snapshot);
    expect(snapshot).toMatchObject({
      sessions: 1,
      inFlight: 1,
      openIntents: 0,
      runningHandlers: 0,
      streams: 1,
      boundClients: 1,
      counters: { accepted: 2, joined: 0, replayed: 1, refused: 1 },
      limits: { maxSessions: 4_096 },
    });
    release();
    await held;
  });
});
