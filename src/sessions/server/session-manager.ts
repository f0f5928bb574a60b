import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { IncomingRequest } from "../../../internal/stream/request-handler.js";
import {
  type CancelDeadline,
  deadlineAfter,
  monotonicMs,
  scheduleDeadline,
} from "../../../internal/util/deadlines.js";
import { onAbort } from "../../../internal/util/on-abort.js";
import { withinTime } from "../../../internal/util/within-time.js";
import type { Connection } from "../../server/connection.js";
import type { StreamContext } from "../../server/handler-context.js";
import type { Authenticator, User } from "../credentials/authenticate.js";
import { type Credentials, noCredentials } from "../credentials/credentials.js";
import { refusal } from "../session-errors.js";
import type { ClientTable } from "../table/client-table.js";
import { type Eviction, SessionStream } from "./session-stream.js";
import type { SessionsEvent } from "./sessions-event.js";

/** What a {@link SessionManager} is made of. */
export interface SessionManagerInit {
  /** Who says who somebody is; undefined where nobody need log in. */
  readonly authenticator: Authenticator | undefined;
  /** How long a login may take, in milliseconds. */
  readonly maxWaitMs: number;
  readonly emit: (event: SessionsEvent) => void;
}

/** How often those who are logged in are checked, and how long a check may take, in milliseconds. */
const checkMs = 30_000;
/** How many are checked at a time. */
const checksAtOnce = 64;

/**
 * Which stream belongs to whom, and which clients are bound to it, at one server; not replicated. A client is bound to
 * one stream at most. Everything of a stream goes with it.
 */
export class SessionManager {
  readonly #init: SessionManagerInit;
  readonly #streams = new Map<Connection, SessionStream>();
  /** Where each client is bound. */
  readonly #bound = new Map<string, SessionStream>();
  readonly #ended = new AbortController();
  #nextCheck: CancelDeadline | undefined;

  constructor(init: SessionManagerInit) {
    this.#init = init;
  }

  /** How many streams have had to do with sessions, and how many clients are bound. */
  get counts(): { readonly streams: number; readonly bound: number } {
    return { streams: this.#streams.size, bound: this.#bound.size };
  }

  /** What is known of the stream; it is forgotten when the stream ends. */
  streamOf(context: StreamContext): SessionStream {
    const { connection } = context;
    let stream = this.#streams.get(connection);
    if (stream === undefined) {
      stream = new SessionStream(context, this.#init.authenticator !== undefined);
      if (connection.closed.aborted || this.#ended.signal.aborted) return stream;
      this.#streams.set(connection, stream);
      const opened = stream;
      onAbort(connection.closed, () => this.#gone(opened));
    }
    return stream;
  }

  /**
   * Logs in on a stream. One that has the user already stays as it is.
   *
   * @throws what the authenticator throws; QuorateError FailedPrecondition, `STREAM_HAS_USER`; Unavailable, `RETRY`, if the
   * authenticator has not answered within `maxWaitMs`.
   */
  async logIn(stream: SessionStream, credentials: Credentials, request: IncomingRequest): Promise<string> {
    const { authenticator, emit, maxWaitMs } = this.#init;
    if (authenticator === undefined) return "";
    const { connection } = stream.context;
    const { remoteAddress: address } = connection;
    const deadline = deadlineAfter(maxWaitMs);
    const remainingMs = () => Math.max(0, Math.min(request.remainingMs(), deadline - monotonicMs()));
    const bounds = { timeoutMs: maxWaitMs, expired: () => refusal("RETRY"), signal: request.signal };
    let user: User;
    try {
      user = await withinTime(bounds, async (signal) =>
        authenticator.authenticate(credentials, { connection, signal, remainingMs }),
      );
      const other = stream.userId;
      if (other !== undefined && other !== user.id) throw streamHasUser();
    } catch (thrown) {
      const error = QuorateError.from(thrown, Code.Internal);
      emit({ kind: "loginFailed", address, error });
      throw error;
    }
    stream.logIn(user);
    emit({ kind: "loggedIn", user: user.id, address });
    this.#scheduleCheck();
    return user.id;
  }

  /**
   * Whom the stream belongs to now; undefined for nobody. The certificate of a stream is asked once, so that with mutual
   * TLS nobody need log in.
   */
  async authenticated(stream: SessionStream, request: IncomingRequest): Promise<string | undefined> {
    const { tls } = stream.context.connection;
    if (stream.userId === undefined && !stream.askedTransport && tls?.certificate !== undefined) {
      stream.askedTransport = true;
      // Who is refused here may still log in with credentials.
      await this.logIn(stream, noCredentials, request).catch(() => {});
    }
    return stream.userId;
  }

  /** Asks whether who has logged in may stay; if not, the stream belongs to nobody from then on. */
  async checkUser(stream: SessionStream): Promise<void> {
    const { authenticator, emit } = this.#init;
    const { user } = stream;
    if (authenticator === undefined || user === undefined) return;
    const { signal } = this.#ended;
    const checkBounds = { timeoutMs: checkMs, expired: () => refusal("RETRY"), signal };
    // Who does not answer has not said that the user may stay.
    const isValid = await withinTime(checkBounds, async () => authenticator.stillValid(user)).catch(
      () => false,
    );
    // Meanwhile another login may have come, or the end of the stream.
    if (isValid || stream.user !== user) return;
    this.#unbindAll(stream);
    stream.logOut();
    emit({ kind: "loggedOut", user: user.id, address: stream.context.connection.remoteAddress });
  }

  /** Binds a client to a stream; the one on which it was bound is told if that held an older number. */
  bind(stream: SessionStream, client: string, session: number): void {
    const before = this.#bound.get(client);
    if (before !== undefined && before !== stream) {
      const held = before.bound.get(client);
      before.bound.delete(client);
      if (held !== undefined && held < session) before.evict(client, held, "takenOver");
    }
    if (stream.isOver || this.#ended.signal.aborted) {
      this.#bound.delete(client);
      return;
    }
    stream.bound.set(client, session);
    this.#bound.set(client, stream);
  }

  /** The session of this number has ended: tells the stream that is bound with it, and unbinds it. */
  ended(client: string, session: number, reason: Eviction, unless?: SessionStream): void {
    const stream = this.#bound.get(client);
    if (stream?.bound.get(client) !== session) return;
    stream.bound.delete(client);
    this.#bound.delete(client);
    if (stream !== unless) stream.evict(client, session, reason);
  }

  /** The state was replaced: unbinds clients whose sessions are not in it, or have other numbers there. */
  replaced(table: Pick<ClientTable, "session">): void {
    for (const [client, stream] of this.#bound) {
      const held = stream.bound.get(client) ?? 0;
      const present = table.session(client)?.session;
      if (present === undefined) this.ended(client, held, "unknown");
      else if (present !== held) this.ended(client, held, "takenOver");
    }
  }

  /** Forgets all streams. */
  close(): void {
    this.#ended.abort(refusal("RETRY"));
    this.#nextCheck?.();
    this.#streams.clear();
    this.#bound.clear();
  }

  #gone(stream: SessionStream): void {
    this.#streams.delete(stream.context.connection);
    this.#unbindAll(stream);
    stream.logOut();
  }

  #unbindAll(stream: SessionStream): void {
    for (const client of stream.bound.keys()) this.#bound.delete(client);
  }

  #scheduleCheck(): void {
    if (this.#nextCheck !== undefined || this.#ended.signal.aborted) return;
    this.#nextCheck = scheduleDeadline(deadlineAfter(checkMs), () => void this.#checkAll());
  }

  /** A few at a time: one of whom the hook says nothing must not hold up the others. */
  async #checkAll(): Promise<void> {
    const streams = [...this.#streams.values()].filter(({ user }) => user !== undefined).values();
    const checkRest = async () => {
      for (const stream of streams) await this.checkUser(stream);
    };
    await Promise.all(Array.from({ length: checksAtOnce }, checkRest));
    this.#nextCheck = undefined;
    const someone = [...this.#streams.values()].some(({ user }) => user !== undefined);
    if (someone) this.#scheduleCheck();
  }
}

function streamHasUser(): QuorateError {
  const message =
    "quorate: the stream belongs to another user already; connect anew to log in as somebody else";
  return new QuorateError(Code.FailedPrecondition, message, { reason: "STREAM_HAS_USER" });
}
