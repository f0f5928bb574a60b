import { fromBinary } from "@bufbuild/protobuf";
import { createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { tokenCredentials } from "../../../src/sessions/credentials/credentials.js";
import {
  LoginRequestSchema,
  UnregisterRequestSchema,
} from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { toHex } from "../../../src/sessions/hex.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failureOf } from "./failure-of.js";
import { lastEvent } from "./last-event.js";
import { ScriptedServers } from "./scripted-servers.js";
import { registerOf } from "./scripted-sessions.js";

checkLeaks();

describe("Session.close", () => {
  it("finishes what was called before, then unregisters; a second one waits for the first", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.sessions.limits = { ...servers.sessions.limits, maxInFlight: 1 };
    const session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append");
    const calls = [register.append({}), register.append({}), register.read({ key: "a" })];
    const closing = [session.close(), session.close()];
    expect(await failureOf(register.append({}))).toMatchObject({ reason: "NO_SESSION" });
    servers.heal("Append");
    servers.sessions.apply(await servers.take("Append"));
    await Promise.all([...calls, ...closing]);
    expect(servers.seen.map(({ method }) => method)).toEqual([
      "LoginRegister",
      "Append",
      "Read",
      "Append",
      "Unregister",
    ]);
    const message = fromBinary(UnregisterRequestSchema, (await servers.take("Unregister")).payload);
    const { client } = registerOf(await servers.take("LoginRegister"));
    expect([toHex(message.client), message.session]).toEqual([client, 10n]);
    expect(await lastEvent(session)).toEqual({ kind: "ended", error: undefined });
    expect(await failureOf(register.append({}))).toMatchObject({ reason: "NO_SESSION" });
    await session.close();
    expect(servers.count("Unregister")).toBe(1);
  });

  it("waits for a request whose caller has left", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open();
    servers.on("Append");
    const call = createClient(Register, session).append({}, { timeoutMs: 10 });
    expect((await failureOf(call)).code).toBe(Code.DeadlineExceeded);
    const closing = session.close();
    expect(servers.count("Unregister")).toBe(0);
    servers.sessions.apply(await servers.take("Append"));
    await closing;
    expect(servers.count("Unregister")).toBe(1);
  });

  it.each(["at once", "while another one waits"])(
    "gives up what is unanswered with abort, %s",
    async (when) => {
      await using servers = await ScriptedServers.start(1);
      servers.sessions.limits = { ...servers.sessions.limits, maxInFlight: 1 };
      const session = await servers.open();
      const register = createClient(Register, session);
      servers.on("Append");
      const ends = [failureOf(register.append({})), failureOf(register.append({}))];
      const first = when === "at once" ? undefined : session.close();
      await Promise.all([session.close({ abort: true }), first]);
      expect(await Promise.all(ends)).toMatchObject([
        { code: Code.Aborted, reason: "OUTCOME_UNKNOWN" },
        { code: Code.NotFound, reason: "NO_SESSION" },
      ]);
      expect(servers.numbers()).toEqual([1]);
      expect(servers.count("Unregister")).toBe(1);
    },
  );

  it("takes it as done that there is no session", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open();
    servers.on("Unregister", (one) => one.refuse("NO_SESSION", Code.NotFound));
    await session.close();
    expect(await lastEvent(session)).toEqual({ kind: "ended", error: undefined });
  });

  it("goes to another server, and logs in there, when it must", async () => {
    await using servers = await ScriptedServers.start(2);
    const session = await servers.open({ credentials: tokenCredentials("geheim") });
    let logins = 0;
    servers.on("Login", (one) => {
      logins += 1;
      one.done();
    });
    servers.on("Unregister", (one) => {
      if (one.server === 1) servers.break(1, "down");
      else if (logins === 0) one.refuse("NOT_AUTHENTICATED", Code.Unauthenticated);
      else one.done();
    });
    await session.close();
    expect(servers.seen.map(({ server, method }) => `${method} ${server}`)).toEqual([
      "LoginRegister 1",
      "Unregister 1",
      "Unregister 2",
      "Login 2",
      "Unregister 2",
    ]);
    const login = fromBinary(LoginRequestSchema, (await servers.take("Login")).payload);
    expect(login.credentials).toEqual({ case: "accessToken", value: "geheim" });
  });

  it("fails when a login does not help", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open();
    servers.on("Unregister", (one) => one.refuse("NOT_AUTHENTICATED", Code.Unauthenticated));
    expect(await failureOf(session.close())).toMatchObject({ reason: "NOT_AUTHENTICATED" });
    expect(servers.count("Login")).toBe(1);
  });

  it("tries again after a refusal that may pass, and fails with one that does not", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open();
    servers.on("Unregister", (one) => {
      if (servers.count("Unregister") < 3) one.refuse("LOG_UNAVAILABLE");
      else one.refuse("SESSION_OWNED_BY_ANOTHER_USER", Code.PermissionDenied);
    });
    expect(await failureOf(session.close())).toMatchObject({ reason: "SESSION_OWNED_BY_ANOTHER_USER" });
    expect(servers.count("Unregister")).toBe(3);
  });

  it.each([
    { name: "what is unanswered", method: "Append", reason: "OUTCOME_UNKNOWN" },
    { name: "the Unregister", method: "Unregister", reason: "NO_SESSION" },
  ])("ends in time without an answer to $name", async ({ method, reason }) => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open();
    const register = createClient(Register, session);
    await register.append({});
    servers.on(method);
    const before = method === "Append" ? failureOf(register.append({})) : undefined;
    const error = await failureOf(session.close({ timeoutMs: 30 }));
    expect(await (before ?? failureOf(register.append({})))).toMatchObject({ reason, cause: error });
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(await lastEvent(session)).toEqual({ kind: "ended", error });
  });

  it("waits for a registration under way", async () => {
    await using servers = await ScriptedServers.start(2);
    const session = await servers.open();
    servers.on("LoginRegister");
    servers.break(1, "down");
    await servers.take("LoginRegister");
    const registration = await servers.take("LoginRegister");
    const closing = session.close({ abort: true });
    expect(servers.count("Unregister")).toBe(0);
    servers.sessions.register(registration);
    await closing;
    const { session: number } = fromBinary(
      UnregisterRequestSchema,
      (await servers.take("Unregister")).payload,
    );
    expect(number).toBe(11n);
  });

  it("is over when the session ends by itself", async () => {
    await using servers = await ScriptedServers.start(1);
    const configuration = await servers.connect();
    const session = await servers.openOn(configuration);
    servers.on("Append");
    const call = failureOf(createClient(Register, session).append({}));
    await eventually(() => servers.numbers().length === 1);
    const closing = session.close();
    await configuration.close();
    await closing;
    expect(await call).toMatchObject({ reason: "OUTCOME_UNKNOWN", cause: { reason: "CLOSED" } });
    await session.close();
  });
});
