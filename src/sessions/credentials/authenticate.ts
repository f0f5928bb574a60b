import type { Connection } from "../../server/connection.js";
import type { Credentials } from "./credentials.js";

/** Who logs in, as far as the stream says it. The context of a handler is one. */
export interface LoginPeer {
  readonly connection: Pick<Connection, "remoteAddress" | "tls" | "identity">;
  /** Ends when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Milliseconds until the caller's deadline. */
  readonly remainingMs: () => number;
}

/** Whom a stream belongs to. */
export interface User {
  /**
   * What sessions belong to: equal on all servers, and the same for as long as the user exists. 1 to 255 bytes of text;
   * it stands in the log and in messages.
   */
  readonly id: string;
  /** When the credentials or the user expire, in milliseconds since 1970; undefined for never. */
  readonly expiresAtMs?: number | undefined;
  /** How the user has logged in, for {@link StillValid}. */
  readonly via?: LoginMethod | undefined;
}

/** How a user has logged in. Has no secret. */
export type LoginMethod =
  | { readonly kind: "password"; readonly name: string }
  | { readonly kind: "token"; readonly tokenId: string }
  | { readonly kind: "certificate"; readonly fingerprint256: string };

/**
 * Says who this is, or throws a QuorateError, whose code, reason and message the client gets. What else is thrown the
 * client gets as Internal, without the text.
 */
export type Authenticate = (credentials: Credentials, peer: LoginPeer) => User | Promise<User>;

/**
 * Whether a user who has logged in may stay: false once the user is deactivated, or the credentials are revoked. That
 * they expire needs no asking: `expiresAtMs` says it.
 */
export type StillValid = (user: User) => boolean | Promise<boolean>;

/** Both questions about users. */
export interface Authenticator {
  readonly authenticate: Authenticate;
  readonly stillValid: StillValid;
}
