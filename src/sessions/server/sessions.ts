import type { Extension } from "../../server/extension.js";
import type { QuorateService } from "../../service/quorate-service.js";
import type { SessionLimitOptions, SessionLimits } from "../session-limits.js";
import type { ReplicateOptions } from "./replicated-services.js";
import type { GuardedHandlers, StateMachine } from "./session-handlers.js";
import type { SessionCounters } from "./session-parts.js";

/** How a guarded service is served. */
export interface GuardOptions {
  /** Whether calls without a session are served where nobody has logged in; default false. */
  readonly anonymous?: boolean;
}

/** The sessions of one server as plain data, for tools. */
export interface SessionsSnapshot {
  /** Which log this is the state of, in 32 hex digits. */
  readonly clusterId: string;
  /** The op of the last entry that was applied. */
  readonly appliedOp: number;
  readonly limits: SessionLimits;
  readonly sessions: number;
  readonly openIntents: number;
  /** Requests whose entries were proposed here and are not applied yet. */
  readonly inFlight: number;
  /** Guarded handlers that run here. */
  readonly runningHandlers: number;
  /** Streams that had to do with sessions, and clients that are bound to one. */
  readonly streams: number;
  readonly boundClients: number;
  readonly counters: Readonly<SessionCounters>;
}

/** Client sessions of one server: an extension for `createServer({ extensions: [sessions] })`. */
export interface Sessions extends Extension {
  /**
   * Serves a service as a replicated one: each request is committed, then run by every server, in the order of the log,
   * on a state machine. To be called before the server is created. Returns the sessions.
   *
   * @throws QuorateError InvalidArgument for a method that is not `rpc`, an async handler, options that are wrong;
   * FailedPrecondition once the server is created.
   */
  replicate<Service extends QuorateService>(
    service: Service,
    stateMachine: StateMachine<Service>,
    options: ReplicateOptions<Extract<keyof Service["callTypes"], string>>,
  ): Sessions;
  /**
   * Serves a service as a guarded one: one server runs the handler of a request, once, between the commit of its intent
   * and that of its result. To be called before the server is created. Returns the sessions. Throws as {@link replicate}.
   */
  guard<Service extends QuorateService>(
    service: Service,
    handlers: GuardedHandlers<Service>,
    options?: GuardOptions,
  ): Sessions;
  /**
   * Commits other limits, for all servers; those that are left out stay. Resolves with the limits that hold then.
   *
   * @throws QuorateError InvalidArgument for limits that contradict each other or do not fit; Unavailable; Aborted,
   * `CONFIGURE_LOST`, if another server has changed them at the same time.
   */
  configure(limits: SessionLimitOptions): Promise<SessionLimits>;
  /**
   * Ends when the state can no longer be trusted: the log went back, has an entry that this version does not know, or
   * this server came to another state than others. Its reason is the QuorateError. From then on everything that needs
   * the state is refused with Unavailable, `SESSIONS_STOPPED`; end the process, and look at the reason.
   */
  readonly stopped: AbortSignal;
  /** Their state as plain data. Throws FailedPrecondition before the server is created. */
  snapshot(): SessionsSnapshot;
}
