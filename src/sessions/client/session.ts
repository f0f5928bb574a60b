import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { BackoffOptions } from "../../../internal/stream/backoff.js";
import type { RpcTarget } from "../../calls/call-target.js";
import type { Node } from "../../configuration/node.js";
import type { NodeOrder } from "../../configuration/node-order.js";
import type { Credentials } from "../credentials/credentials.js";

/**
 * A session of a client: what `createClient(Service, session)` calls is applied at most once, and its reply is the one
 * of the first time, whatever becomes of connections and servers meanwhile.
 *
 * A call waits within its `timeoutMs` for a server and for a place in the window, whatever `waitForReady` says. A
 * deadline or a signal that ends it after it has its number ends the waiting only: the session goes on with the request.
 * Calls fail
 *
 * - with what the handler threw;
 * - with ResourceExhausted, `SESSION_QUEUE_FULL`, `REQUEST_TOO_LARGE` or `MESSAGE_TOO_LARGE`: not applied;
 * - with AlreadyExists, `ALREADY_ANSWERED`: applied, and the reply is gone;
 * - once the session has ended, with NotFound, `NO_SESSION`, if the request was not applied, and with Aborted,
 *   `OUTCOME_UNKNOWN`, if that cannot be known. `cause` says why it ended.
 */
export interface Session extends RpcTarget, AsyncDisposable {
  /**
   * What becomes of the session; for any number of readers, each of which begins with what holds now. Ends behind
   * `ended`.
   */
  readonly events: AsyncIterable<SessionEvent>;
  /** The requests that were unanswered when the session was exported; empty unless it was restored. */
  readonly recovered: readonly RecoveredRequest[];
  /**
   * The session as bytes, for `restoreSession`: its numbers, and method and payload of what is unanswered. Never
   * credentials and never metadata of calls. The client id stands in it, which is a secret where nobody logs in.
   *
   * @throws QuorateError NotFound, `NO_SESSION`, once the session has ended; FailedPrecondition while it unregisters.
   */
  export(): Uint8Array;
  /** The session as plain data, for tools. */
  snapshot(): SessionSnapshot;
  /**
   * Ends the session: calls that were made before are finished, then it is unregistered. Later calls fail with
   * `NO_SESSION`. A second close waits for the first; its `abort` counts for both.
   *
   * Resolves as well if the session ends by itself meanwhile.
   *
   * @throws QuorateError DeadlineExceeded if that was not done in time; what a server refused the Unregister with. The
   * session is closed here all the same, and ends at the servers when it was idle for too long.
   */
  close(options?: CloseSessionOptions): Promise<void>;
}

/** What a session has to do, and what it has done, as plain data. */
export interface SessionSnapshot {
  /** The session number; 0 before the first registration. */
  readonly session: number;
  /** Requests that have a number and no answer. */
  readonly unanswered: number;
  /** Calls that wait for a number, and reads without an answer. */
  readonly waiting: number;
  /** Times that a request was written again, since the session was opened or restored. */
  readonly resent: number;
}

/** How a session is closed. */
export interface CloseSessionOptions {
  /** Gives up what is unanswered: with `OUTCOME_UNKNOWN` what was sent, with `NO_SESSION` the rest. Default false. */
  readonly abort?: boolean;
  /** Milliseconds for all of it; default 30,000. Infinity for no end. */
  readonly timeoutMs?: number;
}

/** Something that became of a session. */
export type SessionEvent =
  /** A server has it: requests are sent there. */
  | { readonly kind: "bound"; readonly node: Node; readonly session: number }
  /** It goes on with another server, or with the same one once more. */
  | { readonly kind: "failingOver"; readonly error: QuorateError }
  /** So many events were left out before the next one: the reader was too slow. */
  | { readonly kind: "missed"; readonly events: number }
  /** The last one. No error: it was closed. */
  | { readonly kind: "ended"; readonly error: QuorateError | undefined };

/** A request of a restored session that had no answer when it was exported. */
export interface RecoveredRequest {
  readonly request: number;
  /** The full name of the method. */
  readonly method: string;
  /** The encoded request. */
  readonly payload: Uint8Array;
  /** The encoded reply; fails as a call of the session does. Need not be looked at. */
  readonly reply: Promise<Uint8Array>;
}

/**
 * Stores the bytes in place of those of the call before; durably, once it resolves. It is never called again before.
 *
 * Called after every Register, and before requests are sent for the first time. If it fails, the session ends with
 * Internal, `JOURNAL_FAILED`, and stays at the servers: what was stored last can be restored. Calls that stand in bytes
 * fail with `OUTCOME_UNKNOWN` then: who restores them sends them.
 */
export type SessionJournal = (bytes: Uint8Array) => unknown;

/** Who a client is: credentials, or what gets them anew for every login, such as a token that expires. */
export type CredentialSource = Credentials | (() => Credentials | Promise<Credentials>);

/** The options of `openSession`. */
export interface OpenSessionOptions {
  /** Default `noCredentials`. */
  readonly credentials?: CredentialSource;
  /** Sends passwords and tokens over connections without TLS, too. Default false. */
  readonly allowInsecureCredentials?: boolean;
  /** Which of the servers that are connected is taken; default `byLatency`. */
  readonly prefer?: NodeOrder;
  /** For clients that must survive a crash at any point. Default none. */
  readonly journal?: SessionJournal;
  /** Calls that wait for a server or for a place in the window; default 1,024. */
  readonly maxWaiting?: number;
  /** Events that wait for one reader; default 64. Then the oldest is left out, and `missed` stands for it. */
  readonly maxQueuedEvents?: number;
  /** The waits between tries that fail. */
  readonly backoff?: BackoffOptions;
  /** How long one try of a Register, a Login or an Unregister may take, in milliseconds; default 10,000. */
  readonly tryTimeoutMs?: number;
  /** Milliseconds until the opening fails; default 30,000. Infinity for no end. */
  readonly timeoutMs?: number;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
}

/** The options of `restoreSession`. */
export interface RestoreSessionOptions extends OpenSessionOptions {
  /**
   * Whether the session is taken from whoever has resumed it since it was exported; default true. One that was made anew
   * since is never taken.
   */
  readonly takeOver?: boolean;
}
