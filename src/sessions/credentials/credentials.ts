import { Secret } from "./secret.js";

/** With what a client says who it is. */
export type Credentials =
  | { readonly kind: "password"; readonly user: string; readonly password: Secret }
  /** A personal access token. */
  | { readonly kind: "token"; readonly token: Secret }
  /** The transport proves it: mutual TLS. */
  | { readonly kind: "none" };

/** A user and the password. */
export function passwordCredentials(user: string, password: string): Credentials {
  return { kind: "password", user, password: new Secret(password) };
}

/** A personal access token. */
export function tokenCredentials(token: string): Credentials {
  return { kind: "token", token: new Secret(token) };
}

/** For where the transport proves who the client is. */
export const noCredentials: Credentials = { kind: "none" };
