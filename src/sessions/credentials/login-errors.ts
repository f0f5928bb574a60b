import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";

/** Unknown user, wrong password or unknown token: which of them is nobody's business. */
export function badCredentials(): QuorateError {
  const message = "quorate: these credentials are not valid";
  return loginError(Code.Unauthenticated, message, { reason: "BAD_CREDENTIALS" });
}

/** Who proved to be this user, but may not be it any more. */
export function userInactive(): QuorateError {
  const message = "quorate: the user is not active";
  return loginError(Code.Unauthenticated, message, { reason: "USER_INACTIVE" });
}

/** The credentials were good once. */
export function credentialsExpired(what: "expired" | "revoked"): QuorateError {
  const message = `quorate: the credentials are ${what}`;
  return loginError(Code.Unauthenticated, message, { reason: "CREDENTIALS_EXPIRED" });
}

/** The server takes no credentials of this kind, or the stream proves nothing. */
export function notAuthenticated(message: string): QuorateError {
  return loginError(Code.Unauthenticated, `quorate: ${message}`, { reason: "NOT_AUTHENTICATED" });
}

/** Others could read the secret on its way. */
export function insecureCredentials(): QuorateError {
  const message =
    "quorate: passwords and tokens are not sent over connections without TLS, except within a host (allowInsecureCredentials)";
  return loginError(Code.FailedPrecondition, message, { reason: "INSECURE_CREDENTIALS" });
}

/** Nothing was checked: too many attempts are under way, or have failed. */
export function tooManyLogins(message: string): QuorateError {
  return loginError(Code.ResourceExhausted, `quorate: ${message}`, { reason: "TOO_MANY_LOGINS" });
}

/** Whether it is one of these: they hold nothing of what a client has sent. */
export function isLoginError(error: unknown): boolean {
  return error instanceof QuorateError && made.has(error);
}

const made = new WeakSet<QuorateError>();

function loginError(code: Code, message: string, options: { readonly reason: string }): QuorateError {
  const error = new QuorateError(code, message, options);
  made.add(error);
  return error;
}
