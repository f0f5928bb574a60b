import { inspect } from "node:util";
import { Code, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { AccessTokens } from "../../../src/sessions/credentials/access-tokens.js";
import type { Authenticate, User } from "../../../src/sessions/credentials/authenticate.js";
import { authenticateBy } from "../../../src/sessions/credentials/authenticate-by.js";
import { LoginThrottle } from "../../../src/sessions/credentials/login-throttle.js";
import { hashPassword } from "../../../src/sessions/credentials/password-hash.js";
import { passwordUsers } from "../../../src/sessions/credentials/password-users.js";
import { tokenUsers } from "../../../src/sessions/credentials/token-users.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { cheap } from "../credentials/login-peer.js";
import { byNothing, byPassword, byToken, loginReason, remoteNetwork } from "./login-users.js";
import { append, valueOf } from "./register-service.js";
import { SessionServer, type SessionServerOptions } from "./session-server.js";

checkLeaks();

const users = new Map([
  ["ann", { passwordHash: await hashPassword("ann's", cheap), id: "u-ann" }],
  ["bob", { passwordHash: await hashPassword("bob's", cheap) }],
]);
const passwords = () => passwordUsers({ users, cost: cheap });

const serve = (authenticate: Authenticate | ReturnType<typeof passwords>, more: SessionServerOptions = {}) =>
  SessionServer.start({ ...more, sessions: { ...more.sessions, authenticate } });

describe("a stream", () => {
  it("has nobody before a login, and is refused everything of sessions until then", async () => {
    await using server = await serve(passwords());
    const client = await server.connect();
    client.session = 5;
    const refused = { code: Code.Unauthenticated, reason: "NOT_AUTHENTICATED" };
    for (const { error, op } of [
      await client.register(),
      await client.keepAlive(),
      await client.unregister(),
      await client.request(1, append("a")),
      await client.call(append("a")),
    ]) {
      expect(error).toMatchObject(refused);
      expect(op).toBeUndefined();
    }
    expect(server.register.runs).toEqual([]);
  });

  it("belongs to who has logged in, by the id of the user, and so do the sessions on it", async () => {
    await using server = await serve(passwords());
    const client = await server.connect();
    expect((await client.login(byPassword("ann", "ann's"))).message).toMatchObject({ user: "u-ann" });
    await client.open();
    await client.request(1, append("a"));
    expect(server.register.contexts).toMatchObject([{ user: "u-ann", client: client.id }]);
    expect(server.events).toContainEqual({
      kind: "loggedIn",
      user: "u-ann",
      address: expect.stringMatching(/^memory:\d+$/) as string,
    });
  });

  it("logs in and registers at once", async () => {
    await using server = await serve(passwords());
    const client = await server.connect();
    const { message, op } = await client.loginRegister(byPassword("bob", "bob's"));
    expect(message).toMatchObject({ login: { user: "bob" }, register: { session: BigInt(client.session) } });
    expect(op).toBe(client.session);
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
  });

  it("is not bound by a login that fails", async () => {
    await using server = await serve(passwords());
    const client = await server.connect();
    const { error } = await client.loginRegister(byPassword("bob", "ann's"));
    expect(error).toMatchObject({ code: Code.Unauthenticated, reason: "BAD_CREDENTIALS" });
    expect(server.sessions.snapshot()).toMatchObject({ sessions: 0, boundClients: 0 });
  });

  it("has one user: the same may log in again, another may not", async () => {
    await using server = await serve(passwords());
    const client = await server.connect();
    expect(await loginReason(client, byPassword("ann", "ann's"))).toBeUndefined();
    const { error } = await client.login(byPassword("bob", "bob's"));
    expect(error).toMatchObject({ code: Code.FailedPrecondition, reason: "STREAM_HAS_USER" });
    expect(await loginReason(client, byPassword("ann", "ann's"))).toBeUndefined();
    await client.open();
    await client.request(1, append("a"));
    expect(server.register.contexts).toMatchObject([{ user: "u-ann" }]);
    // A failed login leaves who is there.
    expect(await loginReason(client, byPassword("ann", "bob's"))).toBe("BAD_CREDENTIALS");
    expect(valueOf(await client.request(2, append("b")))).toBe("ab");
  });

  it("takes tokens, and several ways to log in", async () => {
    const tokens = new AccessTokens();
    const { token } = tokens.issue({ user: "u-ann" });
    await using server = await serve(
      authenticateBy({ password: passwords(), token: tokenUsers({ tokens }) }),
    );
    const client = await server.connect();
    expect(await loginReason(client, byToken("quorate_pat_0000000000000000_x"))).toBe("BAD_CREDENTIALS");
    expect((await client.login(byToken(token.reveal()))).message).toMatchObject({ user: "u-ann" });
    expect(await loginReason(client, byPassword("ann", "ann's"))).toBeUndefined();
    expect(await loginReason(client, byNothing)).toBe("NOT_AUTHENTICATED");
  });

  it("is that of the user without a name where nobody need log in", async () => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    expect((await client.login(byPassword("ann", "whatever"))).message).toMatchObject({ user: "" });
    await client.open();
    await client.request(1, append("a"));
    expect(server.register.contexts).toMatchObject([{ user: "" }]);
  });

  it("gets no secret from another host without TLS, unless told so", async () => {
    const network = remoteNetwork();
    await using server = await serve(passwords(), { network });
    const client = await server.connect();
    const { error } = await client.login(byPassword("ann", "ann's"));
    expect(error).toMatchObject({ code: Code.FailedPrecondition, reason: "INSECURE_CREDENTIALS" });
    await using open = await serve(passwords(), { network, sessions: { allowInsecureCredentials: true } });
    expect(await loginReason(await open.connect(), byPassword("ann", "ann's"))).toBeUndefined();
  });

  it("is slowed down with those who fail, and refused if it would have to wait too long", async () => {
    const throttle = new LoginThrottle({ freeUserFailures: 1, firstDelayMs: 60_000, maxUserDelayMs: 60_000 });
    await using server = await serve(passwordUsers({ users, cost: cheap, throttle }), {
      sessions: { maxWaitMs: 50 },
    });
    const client = await server.connect();
    expect(await loginReason(client, byPassword("ann", "wrong"))).toBe("BAD_CREDENTIALS");
    // Also the right one would have to wait, here longer than a login may take.
    expect(await loginReason(client, byPassword("ann", "ann's"))).toBe("TOO_MANY_LOGINS");
    const other = await server.connect();
    expect(await loginReason(other, byPassword("ann", "ann's"))).toBe("TOO_MANY_LOGINS");
    expect(await loginReason(other, byPassword("bob", "bob's"))).toBeUndefined();
  });
});

describe("a login", () => {
  it.each<[string, Authenticate, object]>([
    [
      "throws",
      () => {
        throw new Error("db is down");
      },
      { code: Code.Internal, reason: "AUTHENTICATE_FAILED" },
    ],
    [
      "refuses",
      () => {
        throw new QuorateError(Code.PermissionDenied, "not on Sundays", { reason: "SUNDAY" });
      },
      { code: Code.PermissionDenied, reason: "SUNDAY", message: "not on Sundays" },
    ],
    ["gives no user", () => ({}) as User, { code: Code.Internal, reason: "AUTHENTICATE_FAILED" }],
    [
      "gives a user who has expired",
      () => ({ id: "ann", expiresAtMs: 1 }),
      { code: Code.Unauthenticated, reason: "CREDENTIALS_EXPIRED" },
    ],
    ["does not answer", () => new Promise<User>(() => {}), { code: Code.Unavailable, reason: "RETRY" }],
  ])("fails with a hook that %s, and the stream goes on", async (_, hook, expected) => {
    const hooks = [hook];
    await using server = await serve(
      async (credentials, peer) => (hooks.shift() ?? (() => ({ id: "ann" })))(credentials, peer),
      { sessions: { maxWaitMs: 50 } },
    );
    const client = await server.connect();
    const { error } = await client.login(byPassword("ann", "a good password"));
    expect(error).toMatchObject(expected);
    expect(server.events.filter(({ kind }) => kind === "loginFailed")).toHaveLength(1);
    expect((await client.register()).error?.reason).toBe("NOT_AUTHENTICATED");
    expect(await loginReason(client, byPassword("ann", "a good password"))).toBeUndefined();
    await client.open();
  });

  it("that ends too late logs nobody in", async () => {
    let answer: (user: User) => void = () => {};
    const late = new Promise<User>((resolve) => {
      answer = resolve;
    });
    await using server = await serve(() => late, { sessions: { maxWaitMs: 20 } });
    const client = await server.connect();
    expect(await loginReason(client, byNothing)).toBe("RETRY");
    answer({ id: "ann" });
    await late;
    expect((await client.register()).error?.reason).toBe("NOT_AUTHENTICATED");
  });

  it("that waits ends with the server", async () => {
    let asked = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const server = await serve(() => {
      asked();
      return new Promise<User>(() => {});
    });
    const client = await server.connect();
    const login = client.login(byNothing);
    await isAsked;
    await server.server.close({ graceMs: 10 });
    expect((await login).lost).toBe(true);
    await server.close();
  });
});

describe("what is secret", () => {
  it("stands in no error, no event and no snapshot, and no interceptor sees it", async () => {
    const secret = "hunter2-hunter2";
    const seen: unknown[] = [];
    const events: unknown[] = [];
    const hooks: Authenticate[] = [
      () => {
        throw new Error(`no such password: ${secret}`);
      },
      () => {
        throw new QuorateError(Code.Unauthenticated, `no: ${secret}`);
      },
      () => {
        throw Object.assign(new TypeError("no"), { query: { password: secret } });
      },
      () => ({ id: "" }),
    ];
    await using server = await serve(
      async (credentials, peer) => (hooks.shift() ?? (() => ({ id: "ann" })))(credentials, peer),
      {
        server: {
          serverInterceptors: [
            (call, next) => {
              seen.push(call.method);
              return next(call);
            },
          ],
          onEvent: (event) => void events.push(event),
        },
      },
    );
    const client = await server.connect();
    const errors: unknown[] = [];
    for (let at = 0; at < 4; at += 1) errors.push(await client.login(byPassword("ann", secret)));
    await client.loginRegister(byPassword("ann", secret));
    errors.push(await client.register({ nonce: 2, previous: 1 }));
    errors.push(await client.keepAlive({ session: 1 }), await client.keepAlive({ client: 9 }));
    errors.push(await client.request(1, append("a"), { session: client.session + 1 }));
    errors.push(await client.request(7, append("a")), await client.read(append("a"), { session: 1 }));
    await client.request(1, append("a"));
    await client.unregister();
    const told = inspect(
      [errors, server.events, events, server.sessions.snapshot(), server.server.snapshot()],
      {
        depth: 20,
        showHidden: true,
        maxArrayLength: null,
      },
    );
    expect(server.events.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["hookFailed", "loginFailed", "loggedIn", "sessionEnded"]),
    );
    expect(told).not.toContain(secret);
    expect(told).not.toContain(client.id);
    expect(seen).toEqual(["register.v1.Register.Append"]);
  });
});
