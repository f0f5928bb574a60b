import { afterEach, describe, expect, it, vi } from "vitest";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { byPassword } from "./login-users.js";
import type { RawSessionClient } from "./raw-session-client.js";
import { append, echo, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

const anybody = (credentials: { readonly kind: string; readonly user?: string }) => ({
  id: credentials.user ?? "nobody",
});

/** Resolves once the client was told once that a session has ended, and what. */
async function evictionOf(client: RawSessionClient): Promise<string | undefined> {
  await eventually(() => client.evicted.length > 0, "Evicted");
  return client.evicted[0];
}

/** Resolves when everything that the server has sent on the stream before has come. */
async function roundTrip(client: RawSessionClient): Promise<void> {
  await client.call(echo("a round trip"));
}

describe("a client whose session ends while it is connected", () => {
  it("is told that another one needed the place", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxSessions: 2 } } });
    const first = await server.open(1);
    const second = await server.open(2);
    await first.keepAlive();
    await server.open(3);
    expect(await evictionOf(second)).toBe(`${second.session}:CAPACITY`);
    expect(first.evicted).toEqual([]);
    expect((await second.request(1, append("x"))).error?.reason).toBe("NO_SESSION");
    expect(server.sessions.snapshot()).toMatchObject({ sessions: 2, boundClients: 2 });
    expect(server.events).toContainEqual({
      kind: "sessionEnded",
      user: "",
      session: second.session,
      reason: "capacity",
    });
  });

  it("is told that another of the same user needed the place", async () => {
    const limits = { maxSessions: 8, maxSessionsPerUser: 1 };
    await using server = await SessionServer.start({ sessions: { limits, authenticate: anybody } });
    const [one, other, more] = [
      await server.connect({ client: 1 }),
      await server.connect({ client: 2 }),
      await server.connect({ client: 3 }),
    ];
    await one.loginRegister(byPassword("ann", ""));
    await other.loginRegister(byPassword("bob", ""));
    await more.loginRegister(byPassword("ann", ""));
    expect(await evictionOf(one)).toBe(`${one.session}:CAPACITY`);
    await roundTrip(other);
    expect(other.evicted).toEqual([]);
  });

  it("is told that it was idle for too long", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const limits = { tickMs: 1_000, idleTimeoutMs: 5_000, guardTimeoutMs: 1_000 };
    await using server = await SessionServer.start({ sessions: { limits } });
    const idle = await server.open(1);
    const used = await server.open(2);
    for (let second = 1; second <= 8; second += 1) {
      await used.request(second, append("a"), { respondedTo: second - 1 });
      await vi.advanceTimersByTimeAsync(1_010);
    }
    expect(idle.evicted).toEqual([`${idle.session}:EXPIRED`]);
    expect(used.evicted).toEqual([]);
    expect(server.sessions.snapshot()).toMatchObject({ sessions: 1, boundClients: 1 });
  });

  it.each(["on another stream", "at another server"])("is told that it was taken over %s", async (where) => {
    await using server = await SessionServer.start();
    await using another = await server.join();
    const holder = await server.open();
    const taker = await (where === "at another server" ? another : server).connect();
    taker.session = holder.session;
    await taker.resume(2);
    expect(await evictionOf(holder)).toBe(`${holder.session}:TAKEN_OVER`);
    await roundTrip(taker);
    expect(taker.evicted).toEqual([]);
    expect(valueOf(await taker.request(1, append("a")))).toBe("a");
    expect((await holder.request(1, append("x"))).error?.reason).toBe("SESSION_MISMATCH");
    await roundTrip(holder);
    expect(holder.evicted).toHaveLength(1);
  });

  it.each(["on another stream", "at another server"])(
    "is told that it was unregistered %s, and who has done so is not",
    async (where) => {
      await using server = await SessionServer.start();
      await using another = await server.join();
      const holder = await server.open();
      const leaver = await (where === "at another server" ? another : server).connect();
      leaver.session = holder.session;
      expect((await leaver.unregister()).op).toBeGreaterThan(holder.session);
      expect(await evictionOf(holder)).toBe(`${holder.session}:UNREGISTERED`);
      await roundTrip(leaver);
      expect(leaver.evicted).toEqual([]);
    },
  );

  it("is not told if it has unregistered itself, or registered again on the same stream", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    await client.resume(2);
    await client.unregister();
    await roundTrip(client);
    expect(client.evicted).toEqual([]);
    expect(server.sessions.snapshot().boundClients).toBe(0);
  });

  it("is told behind the answers of what was applied before, its own Register among them", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxSessions: 1 } } });
    const first = await server.open(1);
    const second = await server.connect({ client: 2 });
    const third = await server.connect({ client: 3 });
    const release = server.control.holdEntries();
    const calls: Promise<unknown>[] = [
      first.request(1, append("a")),
      first.request(2, append("b")),
      first.keepAlive(),
    ];
    await eventually(() => server.control.kinds.includes("keepAlive"));
    calls.push(second.register());
    await eventually(() => server.control.kinds.filter((kind) => kind === "register").length === 2);
    calls.push(third.register());
    await eventually(() => server.control.kinds.filter((kind) => kind === "register").length === 3);
    release();
    await Promise.all(calls);
    await Promise.all([evictionOf(first), evictionOf(second)]);
    const answers = (count: number) => Array.from({ length: count }, () => "answer");
    expect(first.arrived).toEqual([...answers(4), "evicted"]);
    expect(second.arrived).toEqual(["answer", "evicted"]);
    expect(third.arrived).toEqual(["answer"]);
  });

  it("is not told on a stream to which it has no way back", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxSessions: 1 } } });
    const silent = await server.connect({ client: 1, callable: false });
    await silent.open();
    await server.open(2);
    expect((await silent.request(1, append("x"))).error?.reason).toBe("NO_SESSION");
    await roundTrip(silent);
    expect(server.server.snapshot().counters).toMatchObject({ lateReply: 0, handlerFailed: 0 });
    expect(server.sessions.snapshot()).toMatchObject({ boundClients: 1, streams: 2 });
  });
});

describe("where a client is bound", () => {
  it("is one stream: a second one takes it over, without a word if the number is the same", async () => {
    await using server = await SessionServer.start();
    const first = await server.open();
    const second = await server.connect();
    expect(await second.open({ nonce: 1 })).toBe(first.session);
    expect(server.sessions.snapshot()).toMatchObject({ boundClients: 1, streams: 2 });
    expect((await first.request(1, append("x"))).error?.reason).toBe("SESSION_NOT_BOUND");
    expect(valueOf(await second.request(1, append("a")))).toBe("a");
    await roundTrip(first);
    expect(first.evicted).toEqual([]);
    // And back.
    expect(await first.open({ nonce: 1 })).toBe(second.session);
    expect(valueOf(await first.request(2, append("b")))).toBe("ab");
    expect((await second.request(3, append("x"))).error?.reason).toBe("SESSION_NOT_BOUND");
  });

  it("does not keep what is in flight on the first one from being answered there", async () => {
    await using server = await SessionServer.start();
    const first = await server.open();
    const second = await server.connect();
    const release = server.control.holdAppends();
    const request = first.request(1, append("a"));
    await eventually(() => server.sessions.snapshot().inFlight === 1);
    const registered = second.open({ nonce: 1 });
    release();
    expect(valueOf(await request)).toBe("a");
    await registered;
    expect((await first.request(2, append("x"))).error?.reason).toBe("SESSION_NOT_BOUND");
  });

  it("is nowhere when the stream ends", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    expect(server.sessions.snapshot()).toMatchObject({ boundClients: 1, streams: 1 });
    await client.close();
    await eventually(() => server.sessions.snapshot().streams === 0);
    expect(server.sessions.snapshot()).toMatchObject({ boundClients: 0, sessions: 1 });
  });

  it("is not a stream that ended while the Register was committing", async () => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    const release = server.control.holdAppends();
    void client.register();
    await eventually(() => server.control.kinds.includes("register"));
    await client.close();
    await eventually(() => server.sessions.snapshot().streams === 0);
    release();
    await eventually(() => server.sessions.snapshot().sessions === 1);
    expect(server.sessions.snapshot()).toMatchObject({ boundClients: 0, streams: 0 });
  });

  it("may be the same for several clients of one stream", async () => {
    await using server = await SessionServer.start();
    const one = await server.open(1);
    const other = one.another(2);
    await other.open();
    expect(server.sessions.snapshot()).toMatchObject({ boundClients: 2, streams: 1 });
    expect(valueOf(await one.request(1, append("a")))).toBe("a");
    expect(valueOf(await other.request(1, append("b")))).toBe("ab");
    await one.unregister();
    expect(valueOf(await other.request(2, append("c")))).toBe("abc");
  });
});
