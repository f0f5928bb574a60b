import { createClient } from "quorate";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import type { SessionEvent } from "../../../src/sessions/client/session.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { ScriptedServers } from "./scripted-servers.js";
import { registerOf } from "./scripted-sessions.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

describe("a session whose stream is lost", () => {
  it("resumes at another server, and sends what is unanswered in order before anything new", async () => {
    await using servers = await ScriptedServers.start(2);
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append");
    const calls = [1, 2, 3].map(() => register.append({}));
    const two = await takeNumber(servers, 2);
    two.reply(15, "two");
    expect((await calls[1])?.value).toBe("two");
    servers.sessions.highest = 2;
    const late = register.append({});
    await eventually(() => servers.numbers(1).length === 4);
    servers.heal("Append");
    servers.break(1, "down");
    // Made while it registers: behind the others.
    const last = register.append({});
    await Promise.all([...calls, late, last]);
    expect(servers.numbers(2)).toEqual([1, 3, 4, 5]);
    const [first, second] = servers.seen.filter(({ method }) => method === "LoginRegister").map(registerOf);
    expect(second).toMatchObject({ client: first?.client, previous: 10, clusterId: "c".repeat(32) });
    expect(second?.nonce).not.toBe(first?.nonce);
    const stamps = servers.seen
      .filter(({ server, number }) => server === 2 && number > 0)
      .map((one) => one.stamp);
    // Stamped anew: with the new number, and what is answered by now.
    expect(stamps[0]).toMatchObject({ session: servers.sessions.session, request: 1, respondedTo: 0 });
    expect(stamps[2]).toMatchObject({ request: 4 });
  });

  it("comes back to the same server if it is alone", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    servers.on("Append", () => {
      servers.heal("Append");
      servers.break(1);
    });
    expect((await createClient(Register, session).append({})).value).toBe("reply 1");
    expect(servers.numbers()).toEqual([1, 1]);
    expect(servers.sessions.session).toBeGreaterThan(10);
  });

  it("goes to a server that was not connected before", async () => {
    await using servers = await ScriptedServers.start(2);
    servers.break(2, "down");
    const configuration = await servers.connect({}, 1);
    await using session = await servers.openOn(configuration);
    servers.break(1, "down");
    servers.up(2);
    expect((await createClient(Register, session).append({})).value).toBe("reply 1");
    expect(servers.numbers(2)).toEqual([1]);
  });

  it("tells of it", async () => {
    await using servers = await ScriptedServers.start(2);
    const session = await servers.open();
    const events: SessionEvent[] = [];
    const reading = (async () => {
      for await (const event of session.events) events.push(event);
    })();
    servers.break(1, "down");
    await createClient(Register, session).append({});
    await session.close();
    await reading;
    expect(events).toMatchObject([
      { kind: "bound", session: 10, node: { id: 1 } },
      { kind: "failingOver", error: { code: Code.Unavailable } },
      { kind: "bound", session: 11, node: { id: 2 } },
      { kind: "ended", error: undefined },
    ]);
  });

  it("takes an answer with an op from the stream that it has left, and no refusal", async () => {
    await using servers = await ScriptedServers.start(2);
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append", (one) => {
      // The first of them makes it leave; the stream itself stays.
      if (one.number === 1) one.refuse("SERVER_CLOSING");
    });
    const calls = [1, 2, 3].map(() => register.append({}));
    servers.on("LoginRegister");
    const registration = await (async () => {
      await servers.take("LoginRegister");
      return servers.take("LoginRegister");
    })();
    const [, second, third] = servers.seen.filter(({ server, number }) => server === 1 && number > 0);
    second?.reply(30, "late");
    expect((await calls[1])?.value).toBe("late");
    third?.refuse("NO_SESSION", Code.NotFound);
    servers.heal("Append");
    servers.sessions.highest = 2;
    servers.sessions.register(registration);
    await Promise.all(calls);
    expect(servers.numbers(2)).toEqual([1, 3]);
  });

  it("heeds no refusal from the stream that it has left, though it has the same number elsewhere", async () => {
    await using servers = await ScriptedServers.start(2);
    const configuration = await servers.connect();
    await using session = await servers.openOn(configuration);
    const register = createClient(Register, session);
    servers.on("Append", (one) => {
      if (one.server === 1 && one.number === 1) one.refuse("SESSION_NOT_BOUND", Code.Unauthenticated);
    });
    servers.on("LoginRegister", (one) => {
      if (one.server === 1) one.refuse("LOG_UNAVAILABLE");
      else servers.sessions.register(one);
    });
    const calls = [register.append({}), register.append({})];
    await eventually(() => servers.numbers(2).length === 2);
    expect(servers.seen.at(-1)?.stamp).toMatchObject({ session: 10 });
    servers.seen
      .find(({ server, number }) => server === 1 && number === 2)
      ?.refuse("NO_SESSION", Code.NotFound);
    // Behind the refusal, on the stream that it is bound on no more.
    await createClient(Register, configuration.node(1)).read({});
    servers.heal("Append");
    for (const one of servers.seen.filter(({ server, number }) => server === 2 && number > 0)) {
      servers.sessions.apply(one);
    }
    expect((await Promise.all(calls)).map(({ value }) => value)).toEqual(["reply 1", "reply 2"]);
  });

  it("leaves a server that does not answer for maxWaitMs and 5 s", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    await using servers = await ScriptedServers.start(2);
    await using session = await servers.open();
    servers.on("Append", () => servers.heal("Append"));
    const register = createClient(Register, session);
    const call = register.append({}, { timeoutMs: 60_000 });
    await servers.take("Append");
    vi.advanceTimersByTime(34_900);
    await register.read({});
    expect((await servers.take("Read")).server).toBe(1);
    vi.advanceTimersByTime(200);
    expect((await call).value).toBe("reply 1");
    expect(servers.numbers(2)).toEqual([1]);
  });

  it("sends reads again as well, stamped with the last op that it has seen", async () => {
    await using servers = await ScriptedServers.start(2);
    await using session = await servers.open();
    const register = createClient(Register, session);
    await register.append({});
    servers.on("Read", () => {
      servers.heal("Read");
      servers.break(1, "down");
    });
    expect((await register.read({ key: "a" })).value).toBe("read");
    const [first, second] = servers.seen.filter(({ method }) => method === "Read").map(({ stamp }) => stamp);
    expect(first).toMatchObject({ kind: "read", session: 10, lastOp: 11 });
    expect(second).toMatchObject({ kind: "read", session: 12, lastOp: 12 });
  });
});

async function takeNumber(servers: ScriptedServers, number: number) {
  for (;;) {
    const one = await servers.take("Append");
    if (one.number === number) return one;
  }
}
