import * as crypto from "node:crypto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { passwordCredentials, tokenCredentials } from "../../../src/sessions/credentials/credentials.js";
import { LoginThrottle } from "../../../src/sessions/credentials/login-throttle.js";
import { hashPassword, type PasswordCost } from "../../../src/sessions/credentials/password-hash.js";
import {
  type PasswordUser,
  type PasswordUsersOptions,
  passwordUsers,
} from "../../../src/sessions/credentials/password-users.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { thrownBy } from "../client/client-session.js";
import { cheap, ManualClock, peerOf } from "./login-peer.js";

vi.mock("node:crypto", async (original) => {
  const real = await original<typeof crypto>();
  return { ...real, scrypt: vi.fn<typeof crypto.scrypt>(real.scrypt) };
});

const scrypt = vi.mocked(crypto.scrypt);
const bad = { code: Code.Unauthenticated, reason: "BAD_CREDENTIALS" };

/** The cost of each hash that was made, of what length, and with a salt of how many bytes. */
function costs(): unknown[] {
  return scrypt.mock.calls.map((call) => {
    const [, salt, length, { N, r, p }] = call as unknown as [
      unknown,
      Uint8Array,
      number,
      crypto.ScryptOptions,
    ];
    return { N, r, p, length, salt: salt.length };
  });
}

async function usersOf(changes: Partial<PasswordUser> = {}, cost: PasswordCost = cheap) {
  const users = new Map<string, PasswordUser>();
  users.set("ann", { passwordHash: await hashPassword("right", cost), ...changes });
  return users;
}

const authenticatorOf = async (options: Partial<PasswordUsersOptions> = {}) =>
  passwordUsers({ users: await usersOf(), cost: cheap, ...options });

describe("passwordUsers", () => {
  checkLeaks();
  beforeEach(() => {
    scrypt.mockClear();
  });

  it("lets in who has the password, by the id of the user", async () => {
    const users = await usersOf({ id: "u-1", expiresAtMs: 5 });
    const { authenticate } = passwordUsers({ users, cost: cheap });
    expect(await authenticate(passwordCredentials("ann", "right"), peerOf())).toEqual({
      id: "u-1",
      expiresAtMs: 5,
      via: { kind: "password", name: "ann" },
    });
  });

  it.each([
    ["a wrong password", "ann", "wrong"],
    ["an unknown user", "bob", "right"],
    ["no name", "", "right"],
    ["a name of the prototype", "constructor", "right"],
    ["a name that is too long", "x".repeat(256), "right"],
    ["no password", "ann", ""],
    ["a password that is too long", "ann", "x".repeat(2_000)],
  ])("refuses %s with one and the same error, for the same price", async (_, name, password) => {
    const { authenticate } = await authenticatorOf();
    scrypt.mockClear();
    await expect(authenticate(passwordCredentials(name, password), peerOf())).rejects.toMatchObject({
      ...bad,
      message: "quorate: these credentials are not valid",
    });
    expect(costs()).toEqual([{ N: 2, r: 1, p: 1, length: 32, salt: 16 }]);
  });

  it("has an unknown user cost what the last known one did", async () => {
    const users = await usersOf({}, { logN: 3, blockSize: 2, parallelism: 2 });
    const { authenticate } = passwordUsers({ users, cost: cheap });
    await authenticate(passwordCredentials("ann", "right"), peerOf());
    scrypt.mockClear();
    await expect(authenticate(passwordCredentials("bob", "right"), peerOf())).rejects.toMatchObject(bad);
    expect(costs()).toEqual([{ N: 8, r: 2, p: 2, length: 32, salt: 16 }]);
  });

  it("tells only who has the password that the user is not active", async () => {
    const { authenticate } = passwordUsers({ users: await usersOf({ active: false }), cost: cheap });
    await expect(authenticate(passwordCredentials("ann", "wrong"), peerOf())).rejects.toMatchObject(bad);
    await expect(authenticate(passwordCredentials("ann", "right"), peerOf())).rejects.toMatchObject({
      code: Code.Unauthenticated,
      reason: "USER_INACTIVE",
    });
  });

  it("takes a function that finds users", async () => {
    const map = await usersOf();
    const { authenticate, stillValid } = passwordUsers({ users: async (name) => map.get(name), cost: cheap });
    const user = await authenticate(passwordCredentials("ann", "right"), peerOf());
    expect(await stillValid(user)).toBe(true);
    map.clear();
    expect(await stillValid(user)).toBe(false);
  });

  it("looks up no name that nobody can have", async () => {
    const names: string[] = [];
    const users = (name: string) => {
      names.push(name);
      return undefined;
    };
    const { authenticate } = passwordUsers({ users, cost: cheap });
    for (const name of ["", "x".repeat(256), "y".repeat(255)]) {
      await expect(authenticate(passwordCredentials(name, "x"), peerOf())).rejects.toMatchObject(bad);
    }
    expect(names).toEqual(["y".repeat(255)]);
  });

  it("checks first who has logged in from there before", async () => {
    const { authenticate } = await authenticatorOf({ maxConcurrent: 1 });
    const home = peerOf({ remoteAddress: "127.0.0.2:1" });
    await authenticate(passwordCredentials("ann", "right"), home);
    const order: string[] = [];
    const login = async (who: string, peer = peerOf()) => {
      await authenticate(passwordCredentials("ann", "right"), peer);
      order.push(who);
    };
    await Promise.all([login("first"), login("stranger"), login("known", home)]);
    expect(order).toEqual(["first", "known", "stranger"]);
  });

  it.each<[string, Partial<PasswordUser>, boolean]>([
    ["nothing has changed", {}, true],
    ["it was deactivated", { active: false }, false],
    ["another one has the name", { id: "u-2" }, false],
    ["its time is over", { expiresAtMs: 1_000 }, false],
    ["its time is not over", { expiresAtMs: 1_001 }, true],
  ])("says of a user who is logged in, when %s", async (_, changes, expected) => {
    const users = await usersOf();
    const { authenticate, stillValid } = passwordUsers({ users, cost: cheap, nowMs: () => 1_000 });
    const user = await authenticate(passwordCredentials("ann", "right"), peerOf());
    users.set("ann", { passwordHash: "", ...changes });
    expect(await stillValid(user)).toBe(expected);
  });

  it("does not answer for users who have logged in otherwise", async () => {
    const { stillValid } = await authenticatorOf();
    expect(await stillValid({ id: "ann" })).toBe(false);
    expect(await stillValid({ id: "ann", via: { kind: "token", tokenId: "1" } })).toBe(false);
  });

  it("takes no other credentials", async () => {
    const { authenticate } = await authenticatorOf();
    await expect(authenticate(tokenCredentials("x"), peerOf())).rejects.toMatchObject({
      reason: "NOT_AUTHENTICATED",
    });
  });

  it("slows down who fails, and checks nothing that comes too early", async () => {
    const throttle = new LoginThrottle({ freeUserFailures: 2, clock: new ManualClock() });
    const { authenticate } = await authenticatorOf({ throttle });
    for (const password of ["a", "b"]) {
      await expect(authenticate(passwordCredentials("ann", password), peerOf())).rejects.toMatchObject(bad);
    }
    scrypt.mockClear();
    await expect(
      authenticate(passwordCredentials("ann", "right"), peerOf({ remainingMs: 1 })),
    ).rejects.toMatchObject({ code: Code.ResourceExhausted, reason: "TOO_MANY_LOGINS" });
    expect(scrypt).not.toHaveBeenCalled();
  });

  it("forgets the failures of a user who gets in", async () => {
    const throttle = new LoginThrottle({ clock: new ManualClock() });
    const { authenticate } = await authenticatorOf({ throttle });
    await expect(authenticate(passwordCredentials("ann", "a"), peerOf())).rejects.toMatchObject(bad);
    expect(throttle.counts).toMatchObject({ users: 1, known: 0 });
    await authenticate(passwordCredentials("ann", "right"), peerOf());
    expect(throttle.counts).toMatchObject({ users: 0, known: 1 });
  });

  it("counts a stored password that cannot be read, or a failing look-up, against nobody", async () => {
    const throttle = new LoginThrottle({ clock: new ManualClock() });
    const unreadable = await authenticatorOf({
      throttle,
      users: await usersOf({ passwordHash: "md5:secret-hash" }),
    });
    const error = await Promise.resolve(
      unreadable.authenticate(passwordCredentials("ann", "x"), peerOf()),
    ).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: Code.Internal, reason: "BAD_PASSWORD_HASH" });
    expect(String(error)).not.toContain("secret-hash");
    const failing = await authenticatorOf({
      throttle,
      users: () => Promise.reject(new Error("no database")),
    });
    await expect(failing.authenticate(passwordCredentials("ann", "x"), peerOf())).rejects.toThrow(
      "no database",
    );
    expect(throttle.counts).toMatchObject({ users: 0, addresses: 0 });
  });

  it("bounds how many passwords are checked, and how many wait for that", async () => {
    const { authenticate } = await authenticatorOf({ maxConcurrent: 1, maxQueued: 1 });
    const logins = Array.from({ length: 3 }, async (_, at) =>
      authenticate(passwordCredentials("ann", "right"), peerOf({ remoteAddress: `127.0.0.${at}:1` })),
    );
    const outcomes = await Promise.allSettled(logins);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(outcomes[2]).toMatchObject({ reason: { reason: "TOO_MANY_LOGINS" } });
  });

  it.each([{ cost: { logN: 30 } }, { maxConcurrent: 0 }, { maxQueued: -1 }])("refuses %j", (options) => {
    expect(thrownBy(() => passwordUsers({ users: new Map(), ...options })).code).toBe(Code.InvalidArgument);
  });
});
