import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { IncomingRequest } from "../../../internal/stream/request-handler.js";
import { deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";
import type { HandlerContext } from "../../server/handler-context.js";
import { decodeMessage, encodeMessage } from "../../service/message-codec.js";
import { errorReply, type Reply } from "../reply.js";
import { refusal, requestTooLarge } from "../session-errors.js";
import type { ReadStamp } from "../stamp.js";
import { answerRequest } from "./answer-wait.js";
import { guardedContext, runGuarded } from "./guarded-runs.js";
import { handlerError, handlerErrorReply } from "./handler-errors.js";
import { intercepted, sessionContext } from "./intercepted.js";
import { sessionsStopped } from "./log-end-errors.js";
import { type HandlerFailed, runMethod } from "./replicated-services.js";
import { replyError, unavailable } from "./request-errors.js";
import { checkSession, type SessionCheck } from "./session-check.js";
import { decodeRequest, encodeResult, type SessionMethod } from "./session-methods.js";
import type { SessionParts } from "./session-parts.js";
import type { SessionStream } from "./session-stream.js";

/** What came without a request number. */
export interface UnnumberedCall {
  readonly request: IncomingRequest;
  readonly stream: SessionStream;
  /** Undefined for a method that is neither replicated nor guarded here. */
  readonly method: SessionMethod | undefined;
}

/** One whose method is served here. */
interface ServedCall extends UnnumberedCall {
  readonly method: SessionMethod;
}

/** Who makes it, and with which session. */
interface Caller {
  readonly user: string;
  readonly client: string | undefined;
  /** The highest op that its session has seen, 0 for none. */
  readonly lastOp: number;
}

/** A reply, and the op of the entry or of the state that it stands for. */
interface Served {
  readonly reply: Reply;
  readonly op: number | undefined;
}

/** Runs a call; rejects if it came to nothing, with what its client is to be told. */
type Run = (message: Message, context: HandlerContext) => Promise<Served>;

/** Serves reads of sessions, and calls and reads without a session. */
export class UnnumberedCalls {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** A read of a session: rows 1 to 6 of the check, then it runs on the state of this server. */
  async read(call: UnnumberedCall, stamp: ReadStamp): Promise<void> {
    const { request, stream, method } = call;
    const { log, manager } = this.#parts;
    await manager.authenticated(stream, request);
    let afterBarrier = false;
    const check = (): SessionCheck =>
      checkSession(log.table, stamp, stream.checked(stamp.client, stamp.session), { afterBarrier });
    let checked = check();
    if (checked.kind === "barrier") {
      await log.barrier({ signal: request.signal });
      afterBarrier = true;
      checked = check();
    }
    if (checked.kind !== "passed") throw checked.kind === "refused" ? checked.error : refusal("RETRY");
    const { user } = checked.session;
    if (method?.readOnly !== true) {
      // With an op, so that the session takes it for the answer.
      const error = method === undefined ? notServed(request.method) : notRead(method.name);
      answerRequest(request, log.table.appliedOp, errorReply(error));
      return;
    }
    const caller = { user, client: stamp.client, lastOp: stamp.lastOp };
    await this.#serveRead({ ...call, method }, caller, afterBarrier);
  }

  /** A call without a session. */
  async call({ request, stream, method }: UnnumberedCall): Promise<void> {
    if (method === undefined) throw notServed(request.method);
    const call = { request, stream, method };
    const userId = await this.#parts.manager.authenticated(stream, request);
    if (userId === undefined && !method.anonymous) throw refusal("NOT_AUTHENTICATED");
    const caller = { user: userId ?? "", client: undefined, lastOp: 0 };
    if (method.mode === "replicated" && method.readOnly) return this.#serveRead(call, caller, false);
    this.#parts.counters.calls += 1;
    const { reply, op } = await this.#serve(call, this.#decode(call), (message, context) =>
      method.mode === "replicated"
        ? this.#append(call, message, caller)
        : this.#runGuarded(call, message, context, caller),
    );
    if (op !== undefined) answerRequest(request, op, reply);
    else request.answer({ [reply.kind]: reply.bytes, entries: [] });
  }

  async #serveRead(call: ServedCall, caller: Caller, afterBarrier: boolean): Promise<void> {
    const { request, method } = call;
    const { log, counters } = this.#parts;
    // It is ordered after nothing, so that nothing behind it need wait for it.
    request.release();
    if (method.mode === "replicated") {
      const needsBarrier = method.consistency === "linearizable" && !afterBarrier;
      if (needsBarrier) await log.barrier({ signal: request.signal });
      await this.#waitApplied(caller.lastOp);
    }
    counters.reads += 1;
    const { reply, op = log.table.appliedOp } = await this.#read(call, caller);
    // With the op also an error is final: the session would send it again otherwise.
    answerRequest(request, op, reply);
  }

  async #read(call: ServedCall, caller: Caller): Promise<Served> {
    const { method } = call;
    let decoded: Message;
    try {
      decoded = this.#decode(call);
    } catch (error) {
      return { op: undefined, reply: errorReply(QuorateError.from(error)) };
    }
    return this.#serve(call, decoded, async (message, context) =>
      method.mode === "replicated"
        ? this.#runRead(method, message, caller)
        : this.#runGuarded(call, message, context, caller),
    );
  }

  #runRead(method: SessionMethod, message: Message, { user, client }: Caller): Served {
    const { emit, log } = this.#parts;
    const { table, stopped } = log;
    if (stopped !== undefined) throw sessionsStopped(stopped);
    const op = table.appliedOp;
    const context = { op, timestampMs: table.timestampMs, user, client };
    const failed: HandlerFailed = (name, error) => emit({ kind: "handlerFailed", method: name, error });
    return { op, reply: runMethod(method, message, context, failed).reply };
  }

  async #runGuarded(
    { request, method }: ServedCall,
    message: Message,
    context: HandlerContext,
    { user, client }: Caller,
  ): Promise<Served> {
    const { signal } = request;
    const guarded = guardedContext(context, { op: undefined, user, client, signal });
    const reply = await runGuarded({ method, request: message, context }, guarded, this.#parts);
    return { op: undefined, reply };
  }

  /** Commits a Call: nobody knows it by a number, so an unknown outcome stays unknown. */
  #append({ request, method }: ServedCall, message: Message, { user }: Caller): Promise<Served> {
    const { interceptors, log, maxWaitMs } = this.#parts;
    // Interceptors may have changed it.
    const payload = interceptors.length > 0 ? encodeMessage(method.method.input, message) : request.payload;
    this.#checkSize(payload);
    return new Promise<Served>((resolve, reject) => {
      const cancel = scheduleDeadline(deadlineAfter(maxWaitMs), () => reject(refusal("OUTCOME_UNKNOWN")));
      log.propose(
        { kind: "call", user, method: method.name, payload },
        {
          applied: (effect) => {
            cancel();
            if (effect.kind === "called") resolve({ op: effect.op, reply: effect.reply });
          },
          failed: (error, outcome) => {
            cancel();
            reject(outcome === "unknown" ? refusal("OUTCOME_UNKNOWN") : unavailable(error));
          },
        },
      );
      request.release();
    });
  }

  /** Runs it within the interceptors of the server, if there are any. Rejects as `run` does. */
  async #serve({ method, request, stream }: ServedCall, message: Message, run: Run): Promise<Served> {
    const { interceptors, maskErrors } = this.#parts;
    const context = sessionContext(request, stream.context);
    if (interceptors.length === 0) return run(message, context);
    let served: Served | undefined;
    let failure: { readonly error: unknown } | undefined;
    const handle = async (given: Message, inner: HandlerContext): Promise<Message> => {
      failure = undefined;
      served = await run(given, inner).catch((error: unknown) => {
        failure = { error };
        throw error;
      });
      const error = replyError(served.reply);
      if (error !== undefined) throw error;
      return decodeMessage(method.method.output, served.reply.bytes);
    };
    try {
      const result = await intercepted(method, interceptors, handle)(message, context);
      return { op: served?.op, reply: { kind: "payload", bytes: encodeResult(method, result) } };
    } catch (thrown) {
      // What the log says is for the client to heed, whatever interceptors make of it.
      if (failure !== undefined) throw failure.error;
      return { op: served?.op, reply: handlerErrorReply(handlerError(thrown, maskErrors)) };
    }
  }

  #decode({ request, method }: ServedCall): Message {
    this.#checkSize(request.payload);
    return decodeRequest(method, request.payload);
  }

  #checkSize(payload: Uint8Array): void {
    const { maxRequestBytes } = this.#parts.log.table.limits;
    if (payload.length > maxRequestBytes) throw requestTooLarge(payload.length, maxRequestBytes);
  }

  /** A session must not go back in time when it has moved to a server that lags behind. */
  async #waitApplied(op: number): Promise<void> {
    if (op <= this.#parts.log.table.appliedOp) return;
    const wait = this.#parts.log.waitApplied(op);
    const cancel = scheduleDeadline(deadlineAfter(this.#parts.maxWaitMs), () => wait.cancel());
    await wait.applied
      .catch((error: unknown) => {
        throw QuorateError.from(error).code === Code.Canceled ? refusal("RETRY") : error;
      })
      .finally(cancel);
  }
}

function notRead(method: string): QuorateError {
  const message = `quorate: ${method} is no read here (idempotency_level = NO_SIDE_EFFECTS): client and server know it differently`;
  return new QuorateError(Code.FailedPrecondition, message, { reason: "NOT_A_READ" });
}

function notServed(method: string): QuorateError {
  const message = `quorate: ${method} is neither replicated nor guarded here: there is nothing to read in a session`;
  return new QuorateError(Code.Unimplemented, message, { reason: "NOT_A_SESSION_METHOD" });
}
