import type { AccessTokens } from "./access-tokens.js";
import type { Authenticator, LoginPeer, User } from "./authenticate.js";
import { badCredentials, credentialsExpired, notAuthenticated, userInactive } from "./login-errors.js";
import { LoginThrottle } from "./login-throttle.js";
import type { Secret } from "./secret.js";

/** The options of {@link tokenUsers}. */
export interface TokenUsersOptions {
  readonly tokens: AccessTokens;
  /** Whether the user of a token may log in; default all. Asked at each login, and while they are logged in. */
  readonly isActive?: (userId: string) => boolean | Promise<boolean>;
  /** Slows down who fails; default one with the default options. Share it with other ways to log in. */
  readonly throttle?: LoginThrottle;
}

/**
 * Users with personal access tokens. A good one is never slowed down: nobody finds one by trying, so only the failing
 * are made to wait, for the sake of the server.
 */
export function tokenUsers({ tokens, isActive = () => true, throttle }: TokenUsersOptions): Authenticator {
  const slowedBy = throttle ?? new LoginThrottle();

  const login = async (secret: Secret, peer: LoginPeer): Promise<User> => {
    const check = tokens.check(secret);
    if (check.kind === "valid") {
      const { id, user, expiresAtMs } = check.token;
      if (!(await isActive(user))) throw userInactive();
      return { id: user, expiresAtMs, via: { kind: "token", tokenId: id } };
    }
    const attempt = await slowedBy.begin(undefined, peer);
    attempt.failed();
    throw check.kind === "unknown" ? badCredentials() : credentialsExpired(check.kind);
  };

  return {
    authenticate: async (credentials, peer) => {
      if (credentials.kind !== "token") throw notAuthenticated("log in with a personal access token");
      return login(credentials.token, peer);
    },
    stillValid: async ({ id, via }) => via?.kind === "token" && tokens.isValid(via.tokenId) && isActive(id),
  };
}
