import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { IncomingRequest } from "../../../internal/stream/request-handler.js";
import { deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";
import type { HandlerContext } from "../../server/handler-context.js";
import { decodeMessage } from "../../service/message-codec.js";
import { errorReply, type Reply } from "../reply.js";
import { refusal } from "../session-errors.js";
import type { ReadStamp } from "../stamp.js";
import { answerRequest } from "./answer-wait.js";
import { guardedContext, runGuarded } from "./guarded-runs.js";
import { replicatedError } from "./handler-errors.js";
import { intercepted, sessionContext } from "./intercepted.js";
import { runMethod } from "./replicated-services.js";
import { replyError, requestTooLarge, unavailable } from "./request-errors.js";
import { checkSession, type SessionCheck } from "./session-check.js";
import { decodeRequest, encodeResult, type SessionMethod } from "./session-methods.js";
import type { SessionParts } from "./session-parts.js";
import type { SessionStream } from "./session-stream.js";

/** A call of a replicated or guarded method that has no request number. */
export interface UnnumberedCall {
  readonly request: IncomingRequest;
  readonly stream: SessionStream;
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
      await log.barrier();
      afterBarrier = true;
      checked = check();
    }
    if (checked.kind !== "passed") throw checked.kind === "refused" ? checked.error : refusal("RETRY");
    const { user } = checked.session;
    if (!method.readOnly) {
      answerRequest(request, log.table.appliedOp, errorReply(notRead(method.name)));
      return;
    }
    await this.#serveRead(call, { user, client: stamp.client, lastOp: stamp.lastOp }, afterBarrier);
  }

  /** A call without a session. */
  async call(call: UnnumberedCall): Promise<void> {
    const { request, stream, method } = call;
    const userId = await this.#parts.manager.authenticated(stream, request);
    if (userId === undefined && !method.anonymous) throw refusal("NOT_AUTHENTICATED");
    const caller = { user: userId ?? "", client: undefined, lastOp: 0 };
    if (method.mode === "replicated" && method.readOnly) return this.#serveRead(call, caller, false);
    this.#parts.counters.calls += 1;
    const message = this.#decode(call);
    const context = sessionContext(request, stream.context);
    const served =
      method.mode === "replicated"
        ? this.#serve(method, message, context, () => this.#append(call, caller))
        : this.#serve(method, message, context, () =>
            this.#runGuarded(call, message, context, caller, undefined),
          );
    const { reply, op } = await served;
    if (op !== undefined) answerRequest(request, op, reply);
    else request.answer({ [reply.kind]: reply.bytes, entries: [] });
  }

  async #serveRead(call: UnnumberedCall, caller: Caller, afterBarrier: boolean): Promise<void> {
    const { request, stream, method } = call;
    const { log, counters } = this.#parts;
    // It is ordered after nothing, so that nothing behind it need wait for it.
    request.release();
    if (method.mode === "replicated") {
      if (method.consistency === "linearizable" && !afterBarrier) await log.barrier();
      await this.#waitApplied(caller.lastOp);
    }
    counters.reads += 1;
    let reply: Reply;
    try {
      const message = this.#decode(call);
      const context = sessionContext(request, stream.context);
      ({ reply } = await this.#serve(method, message, context, async () =>
        method.mode === "replicated"
          ? this.#runRead(method, message, caller)
          : this.#runGuarded(call, message, context, caller, log.table.appliedOp),
      ));
    } catch (error) {
      reply = errorReply(QuorateError.from(error));
    }
    // With the op also an error is final: the session would send it again otherwise.
    answerRequest(request, log.table.appliedOp, reply);
  }

  #runRead(method: SessionMethod, message: Message, { user, client }: Caller): Served {
    const { table } = this.#parts.log;
    const op = table.appliedOp;
    const context = { op, timestampMs: table.timestampMs, user, client };
    try {
      return { op, reply: { kind: "payload", bytes: runMethod(method, message, context) } };
    } catch (thrown) {
      return { op, reply: errorReply(replicatedError(thrown, method.name)) };
    }
  }

  async #runGuarded(
    { request, method }: UnnumberedCall,
    message: Message,
    context: HandlerContext,
    { user, client }: Caller,
    op: number | undefined,
  ): Promise<Served> {
    const { signal } = request;
    const guarded = guardedContext(context, { op: undefined, user, client, signal });
    return {
      op,
      reply: await runGuarded({ method, request: message, context }, guarded, this.#parts.maskErrors),
    };
  }

  /** Commits a Call: nobody knows it by a number, so an unknown outcome stays unknown. */
  #append({ request, method }: UnnumberedCall, { user }: Caller): Promise<Served> {
    const { log, maxWaitMs } = this.#parts;
    return new Promise<Served>((resolve, reject) => {
      const cancel = scheduleDeadline(deadlineAfter(maxWaitMs), () => reject(refusal("OUTCOME_UNKNOWN")));
      log.propose(
        { kind: "call", user, method: method.name, payload: request.payload },
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

  /** Runs it within the interceptors of the server, if there are any. */
  async #serve(
    method: SessionMethod,
    message: Message,
    context: HandlerContext,
    run: () => Promise<Served>,
  ): Promise<Served> {
    const { interceptors } = this.#parts;
    if (interceptors.length === 0) return run();
    let op: number | undefined;
    const result = await intercepted(method, interceptors, async () => {
      const served = await run();
      op = served.op;
      const error = replyError(served.reply);
      if (error !== undefined) throw error;
      return decodeMessage(method.method.output, served.reply.bytes);
    })(message, context);
    return { op, reply: { kind: "payload", bytes: encodeResult(method, result) } };
  }

  #decode({ request, method }: UnnumberedCall): Message {
    const { maxRequestBytes } = this.#parts.log.table.limits;
    if (request.payload.length > maxRequestBytes) throw requestTooLarge(request.payload, maxRequestBytes);
    return decodeRequest(method, request.payload);
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
