import type { DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "../../server/handler-context.js";
import type { CallType, QuorateService } from "../../service/quorate-service.js";

/** What a handler of a replicated method may depend on, beside its request and its state: the same on every server. */
export interface ReplicatedContext {
  /** The op of the entry; of a read, that of the last entry that was applied. */
  readonly op: number;
  /** Milliseconds since 1970 by the clock of the server that took the request; never goes back. */
  readonly timestampMs: number;
  /** The id of the user; "" where nobody need log in. */
  readonly user: string;
  /** The client id, in 32 hex digits; undefined for a call without a session. */
  readonly client: string | undefined;
}

/** What a handler of a guarded method knows of the request beside its message. */
export interface GuardedContext
  extends Pick<HandlerContext, "metadata" | "caller" | "connection" | "peers" | "clients"> {
  /** The op of the intent; undefined for a call without a session. */
  readonly op: number | undefined;
  /** The id of the user; "" where nobody need log in. */
  readonly user: string;
  /** The client id, in 32 hex digits; undefined for a call without a session. */
  readonly client: string | undefined;
  /**
   * Not the caller's: it ends when the server closes, when the outcome was given up, and shortly before `guardTimeoutMs`
   * is over. Of a call without a session it is the caller's.
   */
  readonly signal: AbortSignal;
}

/**
 * The state machine of a replicated service: a handler for each of its methods, which are all `rpc`. They run on every
 * server, in the order of the log. So they are synchronous and depend on nothing but the request, the context and what
 * they did before: no clock, no randomness, no input or output. A handler of a method that is marked
 * `NO_SIDE_EFFECTS` runs on one server and changes nothing.
 *
 * A QuorateError that a handler throws is its reply. Anything else that it throws becomes Internal.
 */
export type StateMachine<Service extends QuorateService> = SessionHandlers<Service, ReplicatedContext, false>;

/**
 * The handlers of a guarded service, whose methods are all `rpc`. One server runs one of them for a request, once.
 * A QuorateError that it throws is its reply.
 */
export type GuardedHandlers<Service extends QuorateService> = SessionHandlers<Service, GuardedContext, true>;

type SessionHandlers<Service extends QuorateService, Context, Async extends boolean> =
  Service extends QuorateService<infer Desc, infer Types>
    ? {
        readonly [Name in keyof Types]: Name extends keyof Desc["method"]
          ? SessionHandler<Types[Name], Desc["method"][Name], Context, Async>
          : never;
      }
    : never;

/** Of a method that is not `rpc` there is no handler: whoever writes one is told by the compiler. */
type SessionHandler<
  Type extends CallType,
  Method extends DescMethod,
  Context,
  Async extends boolean,
> = Type extends "rpc"
  ? (
      request: MessageShape<Method["input"]>,
      context: Context,
    ) => Async extends true
      ? MessageInitShape<Method["output"]> | Promise<MessageInitShape<Method["output"]>>
      : MessageInitShape<Method["output"]>
  : never;
