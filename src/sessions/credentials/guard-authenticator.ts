import { inspect } from "node:util";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { Authenticate, Authenticator, LoginPeer, User } from "./authenticate.js";
import { checkTransport } from "./check-transport.js";
import type { Credentials } from "./credentials.js";
import { credentialsExpired, isLoginError } from "./login-errors.js";
import { isExpired, isUserId } from "./user-checks.js";

/** The options of {@link guardAuthenticator}. */
export interface GuardAuthenticatorOptions {
  /** Take passwords and tokens over connections without TLS from other hosts; default false. */
  readonly allowInsecureCredentials?: boolean;
  /** Told what a hook threw that is no QuorateError; the client is told only that it failed. */
  readonly onFailure?: (error: unknown) => void;
  /** The wall clock, in milliseconds since 1970; for tests. */
  readonly nowMs?: () => number;
}

/**
 * What stands around every hook, built in or not: no secret is taken where others could read it, no user without an id
 * or beyond its time is let in, and no error carries the secret to anybody. A hook alone has no `stillValid`: its users
 * stay until they expire.
 */
export function guardAuthenticator(
  hook: Authenticate | Authenticator,
  options: GuardAuthenticatorOptions = {},
): Authenticator {
  const { nowMs = Date.now, onFailure } = options;
  const { authenticate, stillValid } =
    typeof hook === "function" ? { authenticate: hook, stillValid: always } : hook;
  return {
    authenticate: async (credentials, peer) => {
      checkTransport(credentials, peer.connection, options);
      const user = await ask(authenticate, credentials, peer, onFailure);
      if (isExpired(user, nowMs())) throw credentialsExpired("expired");
      return user;
    },
    // Without an answer nobody is let in, nor stays.
    stillValid: async (user) => {
      if (isExpired(user, nowMs())) return false;
      try {
        return await stillValid(user);
      } catch (error) {
        onFailure?.(error);
        return false;
      }
    },
  };
}

async function ask(
  authenticate: Authenticate,
  credentials: Credentials,
  peer: LoginPeer,
  onFailure: GuardAuthenticatorOptions["onFailure"],
): Promise<User> {
  try {
    return checked(await authenticate(credentials, peer));
  } catch (error) {
    // A secret may well be a word that stands in the texts of ours.
    if (isLoginError(error)) throw error;
    if (error instanceof QuorateError && error.code !== Code.Ok && !shows(error, credentials)) throw error;
    onFailure?.(holds(error, credentials) ? withheld() : error);
    // Neither its text nor itself as the cause: both may hold what the client has sent.
    throw new QuorateError(Code.Internal, "quorate: authenticate failed", { reason: "AUTHENTICATE_FAILED" });
  }
}

/** A mistake of the hook is none of the client, so that it is told as any other failure of the hook. */
function checked({ id, expiresAtMs, via }: User): User {
  if (!isUserId(id)) throw new Error(`authenticate gave a user an id that no user can have: ${String(id)}`);
  return { id, expiresAtMs, via };
}

/** Whether the error, or what led to it, has the secret in its texts. */
function shows(error: unknown, credentials: Credentials): boolean {
  const secret = secretOf(credentials);
  if (secret === undefined || secret === "") return false;
  for (let inner = error, depth = 0; inner instanceof Error && depth < 16; inner = inner.cause, depth++) {
    if (inner.message.includes(secret)) return true;
  }
  return false;
}

/** Whether the secret is anywhere in what was thrown: what is told of it may be logged whole. */
function holds(thrown: unknown, credentials: Credentials): boolean {
  const secret = secretOf(credentials);
  if (secret === undefined || secret === "") return false;
  const options = { depth: 16, showHidden: true, maxArrayLength: null, maxStringLength: null };
  return shows(thrown, credentials) || inspect(thrown, options).includes(secret);
}

/** What a log may have in place of an error that shows the secret. */
function withheld(): Error {
  return new Error("quorate: authenticate failed with an error that has the secret in it, which is withheld");
}

function secretOf(credentials: Credentials): string | undefined {
  if (credentials.kind === "none") return undefined;
  return (credentials.kind === "password" ? credentials.password : credentials.token).reveal();
}

function always(): boolean {
  return true;
}
