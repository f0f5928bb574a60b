import { Code } from "quorate";
import { describe, expect, it } from "vitest";
import {
  SessionMismatchSchema,
  SessionService,
} from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { fromHex, toHex } from "../../../src/sessions/hex.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { id } from "../table/test-table.js";
import { byPassword } from "./login-users.js";
import type { RawSessionClient } from "./raw-session-client.js";
import { append, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

/** Everybody is who they say they are. */
const anybody = (credentials: { readonly kind: string; readonly user?: string }) => ({
  id: credentials.user ?? "nobody",
});

/** Opens a session as a user. */
async function openAs(server: SessionServer, user: string, client = 1): Promise<RawSessionClient> {
  const raw = await server.connect({ client });
  await raw.login(byPassword(user, "password"));
  return raw;
}

describe("Register", () => {
  it("answers the number, which is the op of its answer, what is known of the session, and the limits", async () => {
    const limits = { maxInFlight: 3, maxRequestBytes: 5_000, idleTimeoutMs: 500_000 };
    await using server = await SessionServer.start({ sessions: { limits, maxWaitMs: 7_000 } });
    const client = await server.connect();
    const { message, op } = await client.register();
    expect(op).toBe(client.session);
    expect(message).toMatchObject({
      session: BigInt(client.session),
      created: BigInt(client.session),
      highest: 0n,
      respondedTo: 0n,
      limits: { ...limits, maxWaitMs: 7_000 },
    });
    expect(toHex(message?.clusterId ?? new Uint8Array())).toBe(server.sessions.snapshot().clusterId);
    await client.request(1, append("a"));
    await client.request(2, append("b"), { respondedTo: 1 });
    const created = client.session;
    const again = await client.register({ nonce: 2, previous: created });
    expect(again.message).toMatchObject({ created: BigInt(created), highest: 2n, respondedTo: 1n });
    expect(client.session).toBeGreaterThan(created);
  });

  it("[rule 1] refuses the session of another user, also to who knows the client id", async () => {
    await using server = await SessionServer.start({ sessions: { authenticate: anybody } });
    const ann = await openAs(server, "ann");
    const session = await ann.open();
    const bob = await openAs(server, "bob");
    bob.session = session;
    const stolen = { code: Code.PermissionDenied, reason: "SESSION_OWNED_BY_ANOTHER_USER" };
    for (const registration of [{ nonce: 1 }, { nonce: 2, previous: session }, { nonce: 2 }]) {
      const { error, op } = await bob.register(registration);
      expect(error).toMatchObject(stolen);
      expect(op).toBeUndefined();
    }
    expect((await bob.request(1, append("b"))).error).toMatchObject(stolen);
    expect((await bob.keepAlive()).error).toMatchObject(stolen);
    expect((await bob.unregister()).error).toMatchObject(stolen);
    expect(valueOf(await ann.request(1, append("a")))).toBe("a");
    expect(ann.evicted).toEqual([]);
  });

  it("[rule 2] has the same answer for the same nonce, and nothing in flight is touched", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const { session } = client;
    const release = server.control.holdAppends();
    const request = client.request(1, append("a"));
    await eventually(() => server.sessions.snapshot().inFlight === 1);
    const again = client.register({ nonce: 1 });
    release();
    expect((await again).message).toMatchObject({ session: BigInt(session), highest: 1n });
    expect(valueOf(await request)).toBe("a");
    expect(client.evicted).toEqual([]);
  });

  it("[rule 4] makes nothing of a session that has ended", async () => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    const { error, op } = await client.register({ previous: 7 });
    expect(error).toMatchObject({ code: Code.NotFound, reason: "NO_SESSION" });
    expect(op).toBeUndefined();
    expect(server.sessions.snapshot()).toMatchObject({ sessions: 0, boundClients: 0 });
  });

  it("[rules 3, 5] resumes with another number, which fences the one before", async () => {
    await using server = await SessionServer.start();
    const first = await server.open();
    await first.request(1, append("a"));
    const second = await server.connect();
    second.session = first.session;
    const number = await second.resume(2);
    expect(number).toBeGreaterThan(first.session);
    expect((await first.request(2, append("x"))).error?.reason).toBe("SESSION_MISMATCH");
    expect((await first.keepAlive()).error?.reason).toBe("SESSION_MISMATCH");
    expect((await first.read(append("x"))).error?.reason).toBe("SESSION_MISMATCH");
    // What was applied before is answered to the holder of the number alone.
    expect((await first.request(1, append("a"))).error?.reason).toBe("SESSION_MISMATCH");
    expect(valueOf(await second.request(1, append("a")))).toBe("a");
    expect(valueOf(await second.request(2, append("b")))).toBe("ab");
    expect(server.register.runs).toEqual(["a", "b"]);
  });

  it("[rule 6] tells a late one the number and since when the session is, and nothing changes", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const created = client.session;
    await client.resume(2);
    const { session } = client;
    for (const registration of [{ nonce: 1 }, { nonce: 3, previous: created }, { nonce: 3 }]) {
      const { error, op } = await client.register(registration);
      expect(error).toMatchObject({ code: Code.FailedPrecondition, reason: "SESSION_MISMATCH" });
      expect(error?.findDetails(SessionMismatchSchema)).toMatchObject([
        { session: BigInt(session), created: BigInt(created) },
      ]);
      expect(op).toBeUndefined();
    }
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
  });

  it("ends what is in flight under the number before", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const before = client.session;
    const release = server.control.holdAppends();
    const resumed = client.register({ nonce: 2, previous: before });
    await eventually(() => server.control.kinds.includes("register"));
    const request = client.request(1, append("a"), { session: before });
    await eventually(() => server.sessions.snapshot().inFlight === 1);
    release();
    expect((await request).error?.reason).toBe("SESSION_MISMATCH");
    expect((await resumed).message).toMatchObject({ highest: 0n });
    expect(server.register.runs).toEqual([]);
  });

  it("is refused if it is for another cluster, and takes its own", async () => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    const { error } = await client.register({ cluster: fromHex(id(77)) });
    expect(error).toMatchObject({ code: Code.FailedPrecondition, reason: "WRONG_CLUSTER" });
    const cluster = fromHex(server.sessions.snapshot().clusterId);
    expect((await client.register({ cluster })).error).toBeUndefined();
  });

  it("binds nobody on a stream whose user is another by then", async () => {
    let valid = true;
    const authenticate = { authenticate: anybody, stillValid: () => valid };
    await using server = await SessionServer.start({ sessions: { authenticate } });
    const client = await openAs(server, "ann");
    const release = server.control.holdAppends();
    const registered = client.register();
    await eventually(() => server.control.kinds.includes("register"));
    valid = false;
    const second = client.register({ nonce: 2 });
    expect((await second).error?.reason).toBe("NOT_AUTHENTICATED");
    release();
    expect((await registered).error).toBeUndefined();
    expect(server.sessions.snapshot()).toMatchObject({ sessions: 1, boundClients: 0 });
  });
});

describe("a Register whose answer was lost", () => {
  it.each(["on the same stream", "on another stream", "at another server"])(
    "is answered with the same number %s, also while the first is committing",
    async (where) => {
      await using server = await SessionServer.start();
      await using another = await server.join();
      const client = await server.connect();
      const release = server.control.holdAppends();
      const first = client.register({ nonce: 9 });
      await eventually(() => server.control.kinds.includes("register"));
      const other =
        where === "on the same stream"
          ? client
          : await (where === "at another server" ? another : server).connect();
      const second = other.register({ nonce: 9 });
      if (where === "at another server") await second;
      release();
      const numbers = [(await first).message?.session, (await second).message?.session];
      const third = await other.register({ nonce: 9 });
      expect(new Set([...numbers, third.message?.session]).size).toBe(1);
      expect(other.session).toBeGreaterThan(0);
      other.session = Number(third.message?.session);
      expect(valueOf(await other.request(1, append("a")))).toBe("a");
      expect(server.sessions.snapshot().sessions).toBe(1);
    },
  );

  it.each([
    { outcome: "not-appended", reaches: false },
    { outcome: "unknown", reaches: false },
    { outcome: "unknown", reaches: true },
  ] as const)("because the append failed ($outcome), has the same number all the same", async (fault) => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    const hold = server.control.holdEntries();
    const release = server.control.failAppends(fault.outcome, { ...fault, times: 1 });
    const failed = await client.register();
    expect(failed.error).toMatchObject({ code: Code.Unavailable, reason: "LOG_UNAVAILABLE" });
    release();
    hold();
    const session = await client.open();
    expect(await client.open()).toBe(session);
    expect(server.sessions.snapshot()).toMatchObject({ sessions: 1, boundClients: 1 });
  });

  it("because it took too long, is answered when it is sent again", async () => {
    await using server = await SessionServer.start({ sessions: { maxWaitMs: 20 } });
    const client = await server.connect();
    const release = server.control.holdAppends();
    expect((await client.register()).error).toMatchObject({ code: Code.Unavailable, reason: "RETRY" });
    release();
    await eventually(() => server.sessions.snapshot().sessions === 1);
    expect(server.sessions.snapshot().boundClients).toBe(1);
    const session = await client.open();
    expect(session).toBeGreaterThan(0);
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
  });
});

describe("messages of the session service", () => {
  const { register, keepAlive, unregister, loginRegister } = SessionService.method;
  const client = fromHex(id(1));
  const nonce = fromHex(id(2));

  it("are refused if their ids and numbers are not as they must be", async () => {
    await using server = await SessionServer.start();
    const raw = await server.connect();
    const answers = [
      await raw.service(register, { client: new Uint8Array(16), nonce }),
      await raw.service(register, { client: client.subarray(1), nonce }),
      await raw.service(register, { client, nonce: nonce.subarray(1) }),
      await raw.service(register, { client, nonce, previous: 2n ** 53n }),
      await raw.service(register, { client, nonce, clusterId: nonce.subarray(2) }),
      await raw.service(loginRegister, {}),
      await raw.service(loginRegister, { register: { client, nonce: client.subarray(3) } }),
      await raw.service(keepAlive, { client }),
      await raw.service(keepAlive, { client, session: 1n, respondedTo: 2n ** 60n }),
      await raw.service(unregister, { client }),
      await raw.service(unregister, { client: new Uint8Array(16), session: 1n }),
    ];
    for (const { error, op } of answers) {
      expect(error).toMatchObject({ code: Code.InvalidArgument, reason: "BAD_STAMP" });
      expect(op).toBeUndefined();
    }
    expect(server.sessions.snapshot().counters.refused).toBe(answers.length);
    await raw.open();
  });
});
