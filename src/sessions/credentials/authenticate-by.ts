import type { Authenticator } from "./authenticate.js";
import type { Credentials } from "./credentials.js";
import { notAuthenticated } from "./login-errors.js";

/** Who answers for each kind of credentials; kinds that are left out are refused. */
export type AuthenticatorsByKind = { readonly [Kind in Credentials["kind"]]?: Authenticator };

/** Several ways to log in beside each other, by the kind of the credentials. */
export function authenticateBy(authenticators: AuthenticatorsByKind): Authenticator {
  return {
    authenticate: async (credentials, peer) => {
      const authenticator = authenticators[credentials.kind];
      if (authenticator === undefined) throw notAuthenticated(refusals[credentials.kind]);
      return authenticator.authenticate(credentials, peer);
    },
    stillValid: async (user) => {
      const kind = user.via?.kind === "certificate" ? "none" : user.via?.kind;
      return kind !== undefined && (authenticators[kind]?.stillValid(user) ?? false);
    },
  };
}

const refusals = {
  password: "this server takes no passwords",
  token: "this server takes no access tokens",
  none: "log in with credentials",
};
