import { createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { restoreSession } from "../../../src/sessions/client/restore-session.js";
import type { RestoreSessionOptions, Session } from "../../../src/sessions/client/session.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failureOf } from "./failure-of.js";
import { lastEvent } from "./last-event.js";
import { fast, ScriptedServers } from "./scripted-servers.js";
import { registerOf } from "./scripted-sessions.js";

checkLeaks();

/** A session that has two unanswered requests, 2 and 3, and answered ones around them. */
async function unfinished(servers: ScriptedServers): Promise<Session> {
  const session = await servers.open();
  const register = createClient(Register, session);
  const left = (call: Promise<unknown>) => {
    call.catch(() => {});
  };
  await register.append({});
  servers.on("Append");
  left(register.append({ key: "two" }));
  left(register.append({ key: "three" }));
  await servers.take("Append");
  await servers.take("Append");
  await servers.take("Append");
  return session;
}

async function restore(servers: ScriptedServers, bytes: Uint8Array, options: RestoreSessionOptions = {}) {
  return restoreSession(await servers.connect(), bytes, { ...fast, ...options });
}

describe("restoreSession", () => {
  it("fences who had the session, and finishes what was unanswered before anything new", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await unfinished(servers);
    const bytes = session.export();
    servers.heal("Append");
    servers.sessions.highest = 3;
    await using restored = await restore(servers, bytes);
    const registers = servers.seen.filter(({ method }) => method === "LoginRegister").map(registerOf);
    expect(registers[1]).toMatchObject({ client: registers[0]?.client, previous: 10 });
    expect(registers[1]?.nonce).not.toBe(registers[0]?.nonce);
    const fresh = createClient(Register, restored).append({});
    expect(restored.recovered).toMatchObject([
      { request: 2, method: "register.v1.Register.Append" },
      { request: 3, method: "register.v1.Register.Append" },
    ]);
    const replies = await Promise.all(restored.recovered.map(({ reply }) => reply));
    expect(replies.map((reply) => Buffer.from(reply).toString("latin1"))).toEqual([
      "\n\x07reply 2",
      "\n\x07reply 3",
    ]);
    expect((await fresh).value).toBe("reply 4");
    expect(servers.numbers()).toEqual([1, 2, 3, 2, 3, 4]);
    expect(servers.seen.at(-1)?.stamp).toMatchObject({ session: 12, request: 4 });
    await session.close({ abort: true });
  });

  it("goes on behind what was applied since, and counts what nobody recorded as answered", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await unfinished(servers);
    const bytes = session.export();
    servers.heal("Append");
    // 4 to 9 were given out after the export.
    servers.sessions.highest = 9;
    await using restored = await restore(servers, bytes);
    await Promise.all(restored.recovered.map(({ reply }) => reply));
    await createClient(Register, restored).append({});
    expect(servers.seen.at(-1)?.stamp).toMatchObject({ request: 10, respondedTo: 9 });
    await session.close({ abort: true });
  });

  it("gives what was applied and forgotten as such", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await unfinished(servers);
    const bytes = session.export();
    servers.on("Append", (one) => one.refuse("ALREADY_ANSWERED", Code.AlreadyExists));
    await using restored = await restore(servers, bytes);
    for (const { reply } of restored.recovered) {
      expect(await failureOf(reply)).toMatchObject({ reason: "ALREADY_ANSWERED" });
    }
    await session.close({ abort: true });
  });

  it("takes the session from who has resumed it since, once", async () => {
    await using servers = await ScriptedServers.start(2);
    const session = await servers.open();
    const bytes = session.export();
    // It resumes elsewhere, which the bytes do not know.
    servers.break(1, "down");
    await createClient(Register, session).append({});
    const before = servers.count("LoginRegister");
    await using restored = await restoreSession(await servers.connect({}, 1), bytes, fast);
    const tries = servers.seen
      .filter(({ method }) => method === "LoginRegister")
      .slice(before)
      .map(registerOf);
    expect(tries).toMatchObject([{ previous: 10 }, { previous: 11 }]);
    expect(tries[0]?.nonce).not.toBe(tries[1]?.nonce);
    await createClient(Register, restored).append({});
    expect(servers.numbers(2)).toEqual([1, 2]);
    await session.close({ abort: true });
  });

  it.each([
    { name: "it may not", options: { takeOver: false }, created: 10, reason: "SESSION_MISMATCH" },
    { name: "it was made anew since", options: {}, created: 11, reason: "NO_SESSION" },
  ])("does not take the session over if $name", async ({ options, created, reason }) => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open();
    const bytes = session.export();
    servers.sessions.session = 20;
    servers.sessions.created = created;
    expect(await failureOf(restore(servers, bytes, options))).toMatchObject({ reason });
    expect(servers.sessions.session).toBe(20);
    servers.sessions.session = 10;
    await session.close();
  });

  it("fails with NO_SESSION when it was evicted, and sends nothing", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await unfinished(servers);
    const bytes = session.export();
    await session.close({ abort: true });
    servers.sessions.session = 0;
    expect(await failureOf(restore(servers, bytes))).toMatchObject({
      code: Code.NotFound,
      reason: "NO_SESSION",
    });
    expect(servers.numbers()).toEqual([1, 2, 3]);
  });

  it("fails for bytes that are none, and for requests that the connection cannot carry", async () => {
    await using servers = await ScriptedServers.start(1);
    expect(await failureOf(restore(servers, Uint8Array.of(1, 2, 3)))).toMatchObject({
      reason: "BAD_SESSION_BYTES",
    });
    const session = await servers.open();
    servers.on("Append");
    createClient(Register, session)
      .append({ value: "x".repeat(900) })
      .catch(() => {});
    const bytes = session.export();
    const narrow = await servers.connect({ maxMessageBytes: 1_000 });
    expect(await failureOf(restoreSession(narrow, bytes))).toMatchObject({ reason: "MESSAGE_TOO_LARGE" });
    expect(servers.count("LoginRegister")).toBe(1);
    await session.close({ abort: true });
  });

  it("says of what was recorded that its outcome is not known when the session ends", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await unfinished(servers);
    const bytes = session.export();
    servers.on("Append", (one) => one.refuse("NO_SESSION", Code.NotFound));
    const restored = await restore(servers, bytes);
    for (const { reply } of restored.recovered) {
      expect(await failureOf(reply)).toMatchObject({ reason: "OUTCOME_UNKNOWN" });
    }
    expect(await lastEvent(restored)).toMatchObject({ error: { reason: "NO_SESSION" } });
    await session.close({ abort: true });
  });
});
