import type { Authenticator, LoginPeer, User } from "./authenticate.js";
import { HashGate, type HashGateOptions } from "./hash-gate.js";
import { badCredentials, notAuthenticated, userInactive } from "./login-errors.js";
import { LoginThrottle } from "./login-throttle.js";
import {
  completeCost,
  decoyHash,
  type PasswordCost,
  type PasswordHash,
  parsePasswordHash,
  verifyPassword,
} from "./password-hash.js";
import type { Secret } from "./secret.js";
import { isExpired } from "./user-checks.js";

/** A user who logs in with a password. */
export interface PasswordUser {
  /** What `hashPassword()` made of the password. */
  readonly passwordHash: string;
  /** The id of the user; default the name. Give one where names change hands. */
  readonly id?: string | undefined;
  /** Default true. */
  readonly active?: boolean | undefined;
  /** In milliseconds since 1970. */
  readonly expiresAtMs?: number | undefined;
}

/** The options of {@link passwordUsers}. */
export interface PasswordUsersOptions extends HashGateOptions {
  /**
   * The users by the names that they log in with. Asked at each login, and again while they are logged in, so that a
   * change counts at once; a new password alone ends nothing that is open.
   */
  readonly users:
    | ReadonlyMap<string, PasswordUser>
    | ((name: string) => PasswordUser | undefined | Promise<PasswordUser | undefined>);
  /** The cost of their hashes, where it is not the default of `hashPassword()`. */
  readonly cost?: PasswordCost;
  /** Slows down who fails; default one with the default options. Share it with other ways to log in. */
  readonly throttle?: LoginThrottle;
  /** The wall clock, in milliseconds since 1970; for tests. */
  readonly nowMs?: () => number;
}

/**
 * Users with passwords.
 *
 * An unknown user costs what a wrong password costs: a hash, as often as there are logins, of the
 * cost of the last user who was found, or of `cost` before there was one.
 */
export function passwordUsers(options: PasswordUsersOptions): Authenticator {
  const { users, cost, throttle = new LoginThrottle(), nowMs = Date.now } = options;
  const gate = new HashGate(options);
  const find = typeof users === "function" ? users : (name: string) => users.get(name);
  let decoy = decoyHash(completeCost(cost));

  const storedHash = (user: PasswordUser | undefined): PasswordHash => {
    if (user === undefined) return decoy;
    const stored = parsePasswordHash(user.passwordHash);
    if (!hasCost(decoy, stored)) decoy = decoyHash(stored);
    return stored;
  };

  const login = async (name: string, password: Secret, peer: LoginPeer): Promise<User> => {
    // A name that nobody can have is one of nobody, and is not remembered in its length.
    const attempt = await throttle.begin(isName(name) ? name : "", peer);
    try {
      const user = isName(name) ? await find(name) : undefined;
      const stored = storedHash(user);
      const isRight = await gate.run(() => verifyPassword(password, stored), attempt.isKnown, peer.signal);
      if (!isRight || user === undefined) {
        attempt.failed();
        throw badCredentials();
      }
      attempt.succeeded();
      // Said to nobody but who has the password.
      if (user.active === false) throw userInactive();
      return userOf(name, user);
    } finally {
      attempt.abandoned();
    }
  };

  return {
    authenticate: async (credentials, peer) => {
      if (credentials.kind !== "password") throw notAuthenticated("log in with a user and a password");
      return login(credentials.user, credentials.password, peer);
    },
    stillValid: async ({ id, via }) => {
      if (via?.kind !== "password") return false;
      const user = await find(via.name);
      if (user === undefined || user.active === false) return false;
      return (user.id ?? via.name) === id && !isExpired(userOf(via.name, user), nowMs());
    },
  };
}

function userOf(name: string, { id = name, expiresAtMs }: PasswordUser): User {
  return { id, expiresAtMs, via: { kind: "password", name } };
}

function isName(name: string): boolean {
  return name !== "" && name.length <= 255;
}

function hasCost(one: PasswordHash, other: PasswordHash): boolean {
  return (
    one.logN === other.logN && one.blockSize === other.blockSize && one.parallelism === other.parallelism
  );
}
