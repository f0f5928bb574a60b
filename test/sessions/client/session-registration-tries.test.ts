import { createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import type { RegisterAnswer } from "../../../src/sessions/client/register-answer.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { clusterId } from "./client-session.js";
import { failureOf } from "./failure-of.js";
import { ScriptedServers } from "./scripted-servers.js";
import { registerOf } from "./scripted-sessions.js";

checkLeaks();

describe("a registration", () => {
  it("is sent again to the next server, the same, when its answer was lost", async () => {
    await using servers = await ScriptedServers.start(2);
    servers.on("LoginRegister", (one) => {
      servers.heal("LoginRegister");
      // It takes effect, and nobody hears of it.
      servers.sessions.register(one);
      servers.break(1);
    });
    await using session = await servers.open();
    const [first, second] = servers.seen.map((one) => ({ server: one.server, ...registerOf(one) }));
    expect(second).toEqual({ ...first, server: 2 });
    expect(servers.sessions.session).toBe(10);
    expect((await createClient(Register, session).append({})).value).toBe("reply 1");
  });

  it("is sent again when nothing is answered for too long", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.on("LoginRegister", () => servers.heal("LoginRegister"));
    await using session = await servers.open({ tryTimeoutMs: 20 });
    const [first, second] = servers.seen.map(registerOf);
    expect(second).toEqual(first);
    expect(session.export().length).toBeGreaterThan(0);
  });

  it("is sent again when it is refused for now, to each server before it waits", async () => {
    await using servers = await ScriptedServers.start(3);
    servers.on("LoginRegister", (one) => {
      if (servers.seen.length === 5) servers.heal("LoginRegister");
      one.refuse("LOG_UNAVAILABLE");
    });
    await using session = await servers.open();
    expect(servers.seen.map(({ server }) => server)).toEqual([1, 2, 3, 1, 2, 3]);
    expect(new Set(servers.seen.map((one) => registerOf(one).nonce)).size).toBe(1);
    expect(session.recovered).toEqual([]);
  });

  it("is the same in another connection's stream to the same server", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.on("LoginRegister", () => {
      servers.heal("LoginRegister");
      servers.break(1);
    });
    await using session = await servers.open();
    const [first, second] = servers.seen.map(registerOf);
    expect(second).toEqual(first);
    expect(servers.seen[0]?.stream.connection.id).not.toBe(servers.seen[1]?.stream.connection.id);
    expect(session.recovered).toEqual([]);
  });

  const answers: readonly { readonly name: string; readonly change: Partial<RegisterAnswer> }[] = [
    { name: "a session number of 0", change: { session: 0, created: 0 } },
    { name: "a session number that is no safe integer", change: { session: 2 ** 60, created: 1 } },
    { name: "a cluster id that is none", change: { clusterId: "00" } },
    {
      name: "limits that are 0",
      change: { limits: { maxInFlight: 0, maxRequestBytes: 1, maxWaitMs: 1, idleTimeoutMs: 1 } },
    },
  ];
  it.each(answers)("ends at an answer with $name", async ({ change }) => {
    await using servers = await ScriptedServers.start(1);
    servers.on("LoginRegister", (one) =>
      one.registered({ ...servers.sessions.present(), session: 1, created: 1, ...change }),
    );
    expect(await failureOf(servers.open())).toMatchObject({
      code: Code.Internal,
      reason: "BAD_SESSION_ANSWER",
    });
  });

  it("ends the session at a server of another cluster", async () => {
    await using servers = await ScriptedServers.start(2);
    await using session = await servers.open();
    servers.on("Append");
    const call = createClient(Register, session).append({});
    await servers.take("Append");
    servers.on("LoginRegister", (one) =>
      one.registered({
        ...servers.sessions.present(),
        session: 20,
        clusterId: clusterId.replaceAll("c", "d"),
      }),
    );
    servers.break(1, "down");
    expect(await failureOf(call)).toMatchObject({
      code: Code.Aborted,
      reason: "OUTCOME_UNKNOWN",
      cause: { code: Code.FailedPrecondition, reason: "WRONG_CLUSTER" },
    });
  });

  it("ends the session when the log has lost what it had acknowledged", async () => {
    await using servers = await ScriptedServers.start(2);
    await using session = await servers.open();
    const register = createClient(Register, session);
    await register.append({});
    await register.append({});
    servers.on("LoginRegister", (one) =>
      one.registered({ ...servers.sessions.present(), session: 20, highest: 1 }),
    );
    servers.break(1, "down");
    await servers.take("LoginRegister");
    await servers.take("LoginRegister");
    const error = await failureOf(register.append({}));
    expect(error).toMatchObject({
      reason: "NO_SESSION",
      cause: { code: Code.DataLoss, reason: "LOG_REGRESSED" },
    });
  });
});
