import type { QuorateError } from "../../../internal/errors/quorate-error.js";

/** What happens to the sessions of a server beside the requests. */
export type SessionsEvent =
  /** Somebody logged in on a stream, or failed to. */
  | { readonly kind: "loggedIn"; readonly user: string; readonly address: string }
  | { readonly kind: "loginFailed"; readonly address: string; readonly error: QuorateError }
  /** The user of a stream is no longer valid: expired, revoked or deactivated. */
  | { readonly kind: "loggedOut"; readonly user: string; readonly address: string }
  /** A hook threw what is no QuorateError; the client is told only that it failed. */
  | { readonly kind: "hookFailed"; readonly error: unknown }
  /** A session ended, by what the log says. */
  | {
      readonly kind: "sessionEnded";
      readonly user: string;
      readonly session: number;
      readonly reason: "capacity" | "expired" | "unregistered";
    }
  /** Entries could not be appended; once for those that failed together. */
  | { readonly kind: "appendFailed"; readonly error: QuorateError }
  /** The log cannot be read; it is tried again. */
  | { readonly kind: "logUnavailable"; readonly error: QuorateError }
  | { readonly kind: "snapshotSaved"; readonly op: number }
  | { readonly kind: "snapshotFailed"; readonly error: QuorateError }
  /** The state was replaced by a snapshot: entries that this server had not applied were forgotten. */
  | { readonly kind: "stateReplaced"; readonly op: number }
  /**
   * The handler of a guarded method threw, or that of a replicated one something that is no QuorateError. `error` is
   * what it threw, whatever its caller is told.
   */
  | { readonly kind: "handlerFailed"; readonly method: string; readonly error: QuorateError }
  /** The result of a guarded handler could not be committed. */
  | { readonly kind: "resultLost"; readonly method: string; readonly error: QuorateError }
  /** The state can no longer be trusted: everything that needs it is refused from now on. */
  | { readonly kind: "stopped"; readonly error: QuorateError };
