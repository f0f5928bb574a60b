import { fromBinary } from "@bufbuild/protobuf";
import { createClient } from "quorate";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { openSession } from "../../../src/sessions/client/open-session.js";
import { passwordCredentials, tokenCredentials } from "../../../src/sessions/credentials/credentials.js";
import { LoginRegisterRequestSchema } from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failureOf } from "./failure-of.js";
import { fast, ScriptedServers } from "./scripted-servers.js";
import { registerOf } from "./scripted-sessions.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

describe("openSession", () => {
  it("registers at the preferred server, and makes calls there", async () => {
    await using servers = await ScriptedServers.start(3);
    await using session = await servers.open({ prefer: (a, b) => b.id - a.id });
    const reply = await createClient(Register, session).append({ key: "a", value: "b" });
    expect(reply.value).toBe("reply 1");
    expect(servers.seen.map(({ server, method }) => ({ server, method }))).toEqual([
      { server: 3, method: "LoginRegister" },
      { server: 3, method: "Append" },
    ]);
    const register = await servers.take("LoginRegister");
    expect(registerOf(register)).toMatchObject({ previous: 0, clusterId: "" });
    const { client } = registerOf(register);
    expect((await servers.take("Append")).stamp).toEqual({
      kind: "request",
      client,
      session: 10,
      request: 1,
      respondedTo: 0,
    });
  });

  it("takes a server that is connected before one that is preferred", async () => {
    await using servers = await ScriptedServers.start(2);
    servers.break(1, "down");
    const configuration = await servers.connect({}, 1);
    await using session = await openSession(configuration, fast);
    expect(session.recovered).toEqual([]);
    expect(servers.seen.map(({ server }) => server)).toEqual([2]);
  });

  it("waits for a server to be connected", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.break(1, "down");
    const configuration = await servers.connect({}, 0);
    const opening = openSession(configuration, fast);
    await eventually(() => configuration.nodes[0]?.lastError !== undefined);
    servers.up(1);
    await using session = await opening;
    expect(session.export().length).toBeGreaterThan(0);
  });

  it("sends the credentials that it is given, or gets, with each try", async () => {
    await using servers = await ScriptedServers.start(1);
    const tokens = ["old", "new"];
    servers.on("LoginRegister", (one) => {
      servers.heal("LoginRegister");
      one.refuse("LOG_UNAVAILABLE");
    });
    const first = await servers.open({ credentials: () => tokenCredentials(tokens.shift() ?? "") });
    await first.close();
    servers.sessions.session = 0;
    const second = await servers.open({ credentials: passwordCredentials("ann", "secret") });
    await second.close();
    const sent = servers.seen
      .filter(({ method }) => method === "LoginRegister")
      .map(({ payload }) => fromBinary(LoginRegisterRequestSchema, payload).login?.credentials);
    expect(sent).toMatchObject([
      { case: "accessToken", value: "old" },
      { case: "accessToken", value: "new" },
      { case: "password", value: { user: "ann", password: "secret" } },
    ]);
  });

  it.each([
    { name: "that it is given", credentials: tokenCredentials("geheim") },
    { name: "that it gets", credentials: () => tokenCredentials("geheim") },
  ])(
    "sends no secrets $name over plain text to another host, unless it is told to",
    async ({ credentials }) => {
      await using servers = await ScriptedServers.start(1, "192.0.2.1");
      const error = await failureOf(servers.open({ credentials }));
      expect(error).toMatchObject({ code: Code.FailedPrecondition, reason: "INSECURE_CREDENTIALS" });
      expect(servers.seen).toEqual([]);
      const session = await servers.open({ credentials, allowInsecureCredentials: true });
      await session.close();
      expect(servers.count("LoginRegister")).toBe(1);
    },
  );

  it.each([
    { name: "its time is over", options: () => ({ timeoutMs: 20 }), code: Code.DeadlineExceeded },
    {
      name: "its signal ends",
      options: () => ({ signal: AbortSignal.timeout(20) }),
      code: Code.DeadlineExceeded,
    },
    {
      name: "its signal has ended",
      options: () => ({ signal: AbortSignal.abort() }),
      code: Code.Canceled,
    },
  ])("fails when $name", async ({ options, code }) => {
    await using servers = await ScriptedServers.start(1);
    servers.on("LoginRegister");
    expect(await failureOf(servers.open(options()))).toMatchObject({ code });
  });

  it("says in the error of a time-out what the last try failed with", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    await using servers = await ScriptedServers.start(1);
    servers.on("LoginRegister", (one) => one.refuse("LOG_UNAVAILABLE"));
    const opening = failureOf(servers.open());
    await eventually(() => {
      vi.advanceTimersByTime(4);
      return servers.count("LoginRegister") > 1;
    });
    vi.advanceTimersByTime(30_000);
    const error = await opening;
    expect(error).toMatchObject({ code: Code.DeadlineExceeded, cause: { reason: "LOG_UNAVAILABLE" } });
  });

  it("says in the error of a time-out why no server can be reached", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.break(1, "down");
    const configuration = await servers.connect({}, 0);
    await eventually(() => configuration.nodes[0]?.lastError !== undefined);
    const error = await failureOf(openSession(configuration, { ...fast, timeoutMs: 20 }));
    expect(error).toMatchObject({ code: Code.DeadlineExceeded, cause: { reason: "NOT_CONNECTED" } });
  });

  it("tries no more once it has failed", async () => {
    await using servers = await ScriptedServers.start(1);
    const configuration = await servers.connect();
    servers.on("LoginRegister", (one) => one.refuse("LOG_UNAVAILABLE"));
    const leaving = new AbortController();
    const opening = failureOf(servers.openOn(configuration, { signal: leaving.signal }));
    const { client } = registerOf(await servers.take("LoginRegister"));
    const tries = () => servers.seen.filter((one) => registerOf(one).client === client).length;
    leaving.abort();
    expect((await opening).code).toBe(Code.Canceled);
    // What is on its way may still come, ahead of the next one.
    const other = new AbortController();
    const next = failureOf(servers.openOn(configuration, { signal: other.signal }));
    await eventually(() => servers.seen.length > tries());
    const before = tries();
    await eventually(() => servers.seen.length > before + 8);
    expect(tries()).toBe(before);
    other.abort();
    await next;
  });

  it.each([
    { code: Code.Unauthenticated, reason: "BAD_CREDENTIALS" },
    { code: Code.PermissionDenied, reason: "SESSION_OWNED_BY_ANOTHER_USER" },
    { code: Code.FailedPrecondition, reason: "WRONG_CLUSTER" },
    { code: Code.Unimplemented, reason: undefined },
  ])("fails for good with $reason, and asks no other server", async ({ code, reason }) => {
    await using servers = await ScriptedServers.start(2);
    servers.on("LoginRegister", (one) => one.refuse(reason, code));
    expect(await failureOf(servers.open())).toMatchObject({ code, reason });
    expect(servers.count("LoginRegister")).toBe(1);
  });

  it("fails for credentials that the connection cannot carry", async () => {
    await using servers = await ScriptedServers.start(1);
    const configuration = await servers.connect({ maxMessageBytes: 1_000 });
    const opening = servers.openOn(configuration, { credentials: tokenCredentials("x".repeat(1_000)) });
    expect(await failureOf(opening)).toMatchObject({ reason: "MESSAGE_TOO_LARGE" });
  });

  it("fails without sessionClient() on the connection, and for no servers at all", async () => {
    await using servers = await ScriptedServers.start(1);
    const without = await servers.connect({ extensions: [] });
    expect(await failureOf(openSession(without))).toMatchObject({
      code: Code.FailedPrecondition,
      reason: "NO_BACK_CHANNEL",
    });
    expect(await failureOf(openSession(without.take(0)))).toMatchObject({
      code: Code.FailedPrecondition,
      reason: "EMPTY_CONFIGURATION",
    });
    const closed = await servers.connect();
    await closed.close();
    expect(await failureOf(openSession(closed))).toMatchObject({ code: Code.Unavailable, reason: "CLOSED" });
    expect(servers.seen).toEqual([]);
  });

  it.each([
    { maxWaiting: 0 },
    { maxQueuedEvents: 1.5 },
    { tryTimeoutMs: 0 },
    { timeoutMs: -1 },
    { backoff: { minMs: 0 } },
    { prefer: "first" as never },
    { journal: {} as never },
    { credentials: "secret" as never },
  ])("refuses %o", async (options) => {
    await using servers = await ScriptedServers.start(1);
    const error = await failureOf(servers.open(options));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.message).not.toContain("secret");
  });
});
