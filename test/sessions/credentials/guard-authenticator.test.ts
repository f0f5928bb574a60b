import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { User } from "../../../src/sessions/credentials/authenticate.js";
import { checkTransport } from "../../../src/sessions/credentials/check-transport.js";
import {
  type Credentials,
  noCredentials,
  passwordCredentials,
  tokenCredentials,
} from "../../../src/sessions/credentials/credentials.js";
import { guardAuthenticator } from "../../../src/sessions/credentials/guard-authenticator.js";
import { passwordUsers } from "../../../src/sessions/credentials/password-users.js";
import { thrownBy } from "../client/client-session.js";
import { peerOf } from "./login-peer.js";

const secret = "hunter2hunter2";
const password = passwordCredentials("ann", secret);
const token = tokenCredentials(secret);
const away = peerOf({ remoteAddress: "203.0.113.9:5000" });
const insecure = { code: Code.FailedPrecondition, reason: "INSECURE_CREDENTIALS" };

/** What a login is refused with. */
async function refusalOf(login: User | Promise<User>): Promise<unknown> {
  return Promise.resolve(login).then(
    () => "let in",
    (error: unknown) => error,
  );
}

describe("checkTransport", () => {
  it.each<[string, Credentials]>([
    ["a password", password],
    ["a token", token],
  ])(
    "refuses %s in plain text from another host, and takes it with TLS, within the host, or if told so",
    (_, it) => {
      const plain = { remoteAddress: "203.0.113.9:5000", tls: undefined };
      expect(thrownBy(() => checkTransport(it, plain))).toMatchObject(insecure);
      expect(thrownBy(() => checkTransport(it, plain, { allowInsecureCredentials: false }))).toMatchObject(
        insecure,
      );
      checkTransport(it, { ...plain, tls: { certificate: undefined } });
      checkTransport(it, { ...plain, remoteAddress: "127.0.0.1:5000" });
      checkTransport(it, plain, { allowInsecureCredentials: true });
      checkTransport(noCredentials, plain);
    },
  );
});

describe("guardAuthenticator", () => {
  it("asks nobody about a secret that others could read", async () => {
    const asked: Credentials[] = [];
    const hook = (credentials: Credentials) => {
      asked.push(credentials);
      return { id: "ann" };
    };
    expect(await refusalOf(guardAuthenticator(hook).authenticate(password, away))).toMatchObject(insecure);
    expect(asked).toEqual([]);
    const open = guardAuthenticator(hook, { allowInsecureCredentials: true });
    expect(await open.authenticate(password, away)).toEqual({ id: "ann" });
    expect(asked).toEqual([password]);
  });

  it("hands on what the hook refuses with", async () => {
    const error = new QuorateError(Code.PermissionDenied, "not on Sundays", { reason: "SUNDAY" });
    const { authenticate } = guardAuthenticator(() => {
      throw error;
    });
    expect(await refusalOf(authenticate(password, peerOf()))).toBe(error);
  });

  it.each<[string, () => User | Promise<User>]>([
    [
      "throws",
      () => {
        throw new Error(`cannot log in with ${secret}`);
      },
    ],
    ["rejects", () => Promise.reject(new TypeError(`cannot log in with ${secret}`))],
    [
      "throws what is no error",
      () => {
        AbortSignal.abort(secret).throwIfAborted();
        return { id: "ann" };
      },
    ],
    [
      "puts the secret into its refusal",
      () => {
        throw new QuorateError(Code.Unauthenticated, `no: ${secret}`);
      },
    ],
    [
      "puts the secret into the cause of its refusal",
      () => {
        throw new QuorateError(Code.Unauthenticated, "no", { cause: new Error(secret) });
      },
    ],
    [
      "throws a success",
      () => {
        throw new QuorateError(Code.Ok, "yes");
      },
    ],
    ["gives no user", () => undefined as unknown as User],
    ["gives a user without an id", () => ({ id: "" })],
    ["gives an id that is too long", () => ({ id: "x".repeat(256) })],
    ["gives an id that is no text", () => ({ id: 7 as unknown as string })],
    ["gives an id with control characters", () => ({ id: "a\nb" })],
  ])("tells the client nothing of a hook that %s, and the server all", async (_, hook) => {
    const failures: unknown[] = [];
    const { authenticate } = guardAuthenticator(hook, { onFailure: (error) => failures.push(error) });
    const error = await refusalOf(authenticate(password, peerOf()));
    expect(error).toMatchObject({
      code: Code.Internal,
      reason: "AUTHENTICATE_FAILED",
      message: "quorate: authenticate failed",
    });
    expect(error).not.toHaveProperty("cause");
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
    expect(failures).toHaveLength(1);
  });

  it.each(["password", "valid", "node", "no", "quorate"])(
    "tells that the credentials are wrong also where the wrong one is %j, which is in the error's own texts",
    async (wrong) => {
      const users = passwordUsers({ users: new Map(), cost: { logN: 10 } });
      const failures: unknown[] = [];
      const guarded = guardAuthenticator(users, { onFailure: (error) => failures.push(error) });
      const login = guarded.authenticate(passwordCredentials("ann", wrong), peerOf({}));
      expect(await refusalOf(login)).toMatchObject({ reason: "BAD_CREDENTIALS" });
      expect(failures).toEqual([]);
    },
  );

  it("keeps nothing that a hook has added to a user", async () => {
    const user = { id: "ann", expiresAtMs: undefined, via: undefined, password: secret };
    const admitted = await guardAuthenticator(() => user).authenticate(password, peerOf());
    expect(Object.keys(admitted).sort()).toEqual(["expiresAtMs", "id", "via"]);
  });

  it("lets nobody in whose time is over, nor stay", async () => {
    const clock = { nowMs: 1_999 };
    const { authenticate, stillValid } = guardAuthenticator(() => ({ id: "ann", expiresAtMs: 2_000 }), {
      nowMs: () => clock.nowMs,
    });
    const user = await authenticate(password, peerOf());
    expect(await stillValid(user)).toBe(true);
    clock.nowMs = 2_000;
    expect(await stillValid(user)).toBe(false);
    expect(await refusalOf(authenticate(password, peerOf()))).toMatchObject({
      reason: "CREDENTIALS_EXPIRED",
    });
    expect(await stillValid({ id: "ann", expiresAtMs: Number.NaN })).toBe(false);
  });

  it("asks the hook whether a user may stay, and takes a failure for a no", async () => {
    const failures: unknown[] = [];
    let answer: () => boolean | Promise<boolean> = () => true;
    const { stillValid } = guardAuthenticator(
      { authenticate: () => ({ id: "ann" }), stillValid: () => answer() },
      { onFailure: (error) => failures.push(error) },
    );
    expect(await stillValid({ id: "ann" })).toBe(true);
    answer = () => Promise.resolve(false);
    expect(await stillValid({ id: "ann" })).toBe(false);
    answer = () => Promise.reject(new Error("no database"));
    expect(await stillValid({ id: "ann" })).toBe(false);
    expect(failures).toMatchObject([{ message: "no database" }]);
  });
});
