import { inspect } from "node:util";
import { createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import type { QuorateEvent } from "../../../src/configuration/quorate-event.js";
import { EvictionReason } from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failureOf } from "./failure-of.js";
import { lastEvent } from "./last-event.js";
import { present } from "./present.js";
import { ScriptedServers } from "./scripted-servers.js";
import { registerOf } from "./scripted-sessions.js";

checkLeaks();

describe("the end of a session", () => {
  it("says of what was sent that nobody knows, of the rest that it was not applied, and of what comes later", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.sessions.limits = { ...servers.sessions.limits, maxInFlight: 1 };
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append");
    servers.on("Read");
    const [sent, waiting, read] = [register.append({}), register.append({}), register.read({ key: "a" })];
    const ends = [failureOf(sent), failureOf(waiting), failureOf(read)];
    await servers.take("Read");
    (await servers.take("Append")).refuse("SESSION_MISMATCH", Code.FailedPrecondition);
    const cause = { code: Code.FailedPrecondition, reason: "SESSION_MISMATCH" };
    const notApplied = { code: Code.NotFound, reason: "NO_SESSION", cause };
    expect(await Promise.all(ends)).toMatchObject([
      { code: Code.Aborted, reason: "OUTCOME_UNKNOWN", cause },
      notApplied,
      notApplied,
    ]);
    expect(await failureOf(register.append({}))).toMatchObject(notApplied);
    expect(await failureOf(register.read({}))).toMatchObject(notApplied);
    expect(() => session.export()).toThrow("the session has ended");
    expect(servers.count("LoginRegister")).toBe(1);
  });

  it.each([
    { reason: EvictionReason.CAPACITY, as: "NO_SESSION" },
    { reason: EvictionReason.EXPIRED, as: "NO_SESSION" },
    { reason: EvictionReason.UNREGISTERED, as: "NO_SESSION" },
    { reason: EvictionReason.UNSPECIFIED, as: "NO_SESSION" },
    { reason: EvictionReason.TAKEN_OVER, as: "SESSION_MISMATCH" },
  ])("comes with Evicted, $reason, behind the answers before it", async ({ reason, as }) => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append");
    const calls = [register.append({}), register.append({})];
    const unanswered = failureOf(present(calls[1]));
    await eventually(() => servers.numbers().length === 2);
    const [first] = servers.seen.filter(({ number }) => number === 1);
    const { client } = registerOf(await servers.take("LoginRegister"));
    first?.reply(20, "first");
    await first?.evict(client, 10, reason);
    expect((await calls[0])?.value).toBe("first");
    expect(await unanswered).toMatchObject({ reason: "OUTCOME_UNKNOWN", cause: { reason: as } });
    expect(await lastEvent(session)).toMatchObject({ kind: "ended", error: { reason: as } });
    expect(servers.count("LoginRegister")).toBe(1);
  });

  it("does not come with Evicted for another number, another client, or on another stream", async () => {
    await using servers = await ScriptedServers.start(2);
    const events: QuorateEvent[] = [];
    const configuration = await servers.connect({ onEvent: (event) => events.push(event) });
    servers.on("LoginRegister", (one) => {
      servers.heal("LoginRegister");
      one.refuse("LOG_UNAVAILABLE");
    });
    await using session = await servers.openOn(configuration);
    const [there, here] = [await servers.take("LoginRegister"), await servers.take("LoginRegister")];
    expect([there.server, here.server]).toEqual([1, 2]);
    const { client } = registerOf(here);
    await here.evict(client, 9);
    await here.evict("f".repeat(32), 10);
    await there.evict(client, 10);
    await here.callBack(Uint8Array.of(255));
    expect((await createClient(Register, session).append({})).value).toBe("reply 1");
    // What nobody can read is told of.
    await eventually(() => events.some(({ kind }) => kind === "handlerFailed"));
  });

  it("comes with Evicted that overtakes the answer to the Register, for the number in it alone", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.on("LoginRegister", (one) => {
      servers.heal("LoginRegister");
      const { client } = registerOf(one);
      one.evict(client, 10).then(
        () => servers.sessions.register(one),
        () => {},
      );
    });
    expect(await failureOf(servers.open())).toMatchObject({ reason: "NO_SESSION" });
  });

  it("comes when the connection is closed, at once", async () => {
    await using servers = await ScriptedServers.start(1);
    const configuration = await servers.connect();
    await using session = await servers.openOn(configuration);
    const register = createClient(Register, session);
    servers.on("Append");
    const call = failureOf(register.append({}));
    await servers.take("Append");
    await configuration.close();
    const closed = { code: Code.Unavailable, reason: "CLOSED" };
    expect(await call).toMatchObject({ reason: "OUTCOME_UNKNOWN", cause: closed });
    expect(await failureOf(register.append({}))).toMatchObject({ reason: "NO_SESSION", cause: closed });
    expect(await lastEvent(session)).toMatchObject({ kind: "ended", error: closed });
  });

  it("comes when the connection is closed while it registers", async () => {
    await using servers = await ScriptedServers.start(1);
    const configuration = await servers.connect();
    servers.on("LoginRegister");
    const opening = failureOf(servers.openOn(configuration));
    await servers.take("LoginRegister");
    await configuration.close();
    expect(await opening).toMatchObject({ code: Code.Unavailable, reason: "CLOSED" });
  });

  it("comes at a reply without an op: the server runs calls without sessions", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    servers.on("Append", (one) => one.replyWithoutOp());
    expect(await failureOf(createClient(Register, session).append({}))).toMatchObject({
      reason: "OUTCOME_UNKNOWN",
      cause: { code: Code.Internal, reason: "BAD_SESSION_ANSWER" },
    });
  });

  it("names the client id nowhere", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const { client } = registerOf(await servers.take("LoginRegister"));
    servers.on("Append", (one) => one.refuse("NO_SESSION", Code.NotFound));
    const error = await failureOf(createClient(Register, session).append({}));
    const texts = [error, error.cause, session, await lastEvent(session)].map((value) =>
      inspect(value, { depth: 9 }),
    );
    for (const text of texts) expect(text).not.toContain(client);
  });
});
