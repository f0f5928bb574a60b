import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { IncomingRequest } from "../../../internal/stream/request-handler.js";
import { requestDigest } from "../digest.js";
import type { AcceptedStamp, Entry } from "../record/log-record.js";
import { limitedReply } from "../reply.js";
import { refusal, requestTooLarge, sessionMismatch } from "../session-errors.js";
import type { RequestStamp } from "../stamp.js";
import type { ClientTable } from "../table/client-table.js";
import type { Effect } from "../table/effect.js";
import { AnswerWait, type AnswerWaits, type Outcome, settle } from "./answer-wait.js";
import { handlerError, handlerErrorReply } from "./handler-errors.js";
import { type Flight, InFlight } from "./in-flight.js";
import { intercepted, sessionContext } from "./intercepted.js";
import { sessionsStopped } from "./log-end-errors.js";
import { replyMessage, unavailable } from "./request-errors.js";
import { answerIgnored, checkRequest, type KnownCheck, type RequestCheck } from "./session-check.js";
import { decodeRequest, type SessionMethod } from "./session-methods.js";
import type { SessionParts } from "./session-parts.js";
import type { SessionStream } from "./session-stream.js";

/** A request with a number, as it came. */
export interface NumberedRequest {
  readonly request: IncomingRequest;
  readonly stream: SessionStream;
  readonly stamp: RequestStamp;
  /** Undefined for a method that is neither replicated nor guarded here. */
  readonly method: SessionMethod | undefined;
}

/** One that was accepted. */
interface AcceptedRequest extends NumberedRequest {
  readonly stamp: AcceptedStamp;
  readonly user: string;
}

/** Called with the outcome of a request, once it is answered. */
type Told = (outcome: Outcome) => void;

/** A request that may be run. */
interface RunnableRequest extends AcceptedRequest {
  readonly method: SessionMethod;
  readonly message: Message;
}

/**
 * The requests with a number that come to one server: checks them, proposes their entries in the order in which they
 * came, and answers them by what becomes of these. Every number that is accepted ends as exactly one entry.
 */
export class NumberedRequests {
  readonly #parts: SessionParts;
  readonly #flights = new InFlight<AnswerWaits>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** How many are in flight. */
  get inFlight(): number {
    return this.#flights.size;
  }

  /**
   * Takes a request; its place in the order of its stream is held until its entry is proposed. Most are accepted in this
   * very turn: what they would wait for costs more than all else that is done for them here.
   */
  handle(numbered: NumberedRequest): Promise<void> {
    const { request, stream } = numbered;
    return stream.userId === undefined
      ? this.#parts.manager.authenticated(stream, request).then(() => this.#take(numbered))
      : this.#take(numbered);
  }

  /** What is in flight under an older number than this one ends. */
  fence(client: string, session: number, created: number): void {
    const error = sessionMismatch(session, created);
    for (const { value } of this.#flights.fence(client, session)) settle(value, { kind: "refused", error });
  }

  #take(numbered: NumberedRequest): Promise<void> {
    const { client, session, request: number, respondedTo } = numbered.stamp;
    const digest = requestDigest(numbered.request.method, numbered.request.payload);
    const stamp = { client, session, request: number, respondedTo, digest };
    const check = this.#check(stamp, numbered.stream, false);
    return check.kind === "barrier" ? this.#checkAgain(numbered, stamp) : this.#serve(numbered, stamp, check);
  }

  async #checkAgain(numbered: NumberedRequest, stamp: AcceptedStamp): Promise<void> {
    const { request, stream } = numbered;
    try {
      await this.#parts.log.barrier({ signal: request.signal });
    } catch (error) {
      this.#refuse(request, unavailable(error));
      return;
    }
    await this.#serve(numbered, stamp, this.#check(stamp, stream, true));
  }

  #serve(
    { request, stream, method }: NumberedRequest,
    stamp: AcceptedStamp,
    check: RequestCheck<AnswerWaits>,
  ): Promise<void> {
    if (check.kind !== "accept") return this.#known(check, request);
    return this.#accept({ request, stream, method, stamp, user: stream.userId ?? "" });
  }

  #check(stamp: AcceptedStamp, stream: SessionStream, afterBarrier: boolean): RequestCheck<AnswerWaits> {
    const { table, stopped } = this.#parts.log;
    if (stopped !== undefined) return { kind: "refused", row: 0, error: sessionsStopped(stopped) };
    const checked = stream.checked(stamp.client, stamp.session);
    return checkRequest(table, this.#flights, stamp, checked, { afterBarrier });
  }

  /** Answers what need not, or must not, be appended. */
  #known(check: RequestCheck<AnswerWaits>, request: IncomingRequest, told?: Told): Promise<void> {
    const { counters, maxWaitMs, runs } = this.#parts;
    const wait = new AnswerWait(request, maxWaitMs, told);
    if (check.kind === "join") {
      counters.joined += 1;
      wait.join(check.flight.value);
    } else if (check.kind === "awaitIntent") {
      counters.replayed += 1;
      runs.wait(check.intentOp, wait);
    } else if (check.kind === "answer") {
      counters.replayed += 1;
      wait.end(check);
    } else {
      counters.refused += 1;
      wait.end({ kind: "refused", error: check.kind === "refused" ? check.error : refusal("RETRY") });
    }
    request.release();
    return wait.done;
  }

  #accept(accepted: AcceptedRequest): Promise<void> {
    const { method, request, stamp, stream, user } = accepted;
    const { interceptors, log } = this.#parts;
    const { maxRequestBytes } = log.table.limits;
    let message: Message;
    try {
      if (method === undefined) throw notServed(request.method);
      if (request.payload.length > maxRequestBytes)
        throw requestTooLarge(request.payload.length, maxRequestBytes);
      message = decodeRequest(method, request.payload);
    } catch (error) {
      return this.#appendRefused(accepted, QuorateError.from(error));
    }
    const runnable = { request, stream, method, stamp, user, message };
    return interceptors.length > 0 ? this.#intercept(runnable) : this.#append(runnable);
  }

  /**
   * Lets the interceptors see the request before it is appended. They may refuse it; what they make of request and reply
   * is not taken over, because a request that is sent again is answered without them.
   */
  async #intercept(runnable: RunnableRequest): Promise<void> {
    const { method, message, request, stream } = runnable;
    const { interceptors, maskErrors } = this.#parts;
    let reached: Promise<Message> | undefined;
    let answered: Promise<void> | undefined;
    let isOver = false;
    const run = intercepted(method, interceptors, () => {
      if (isOver) throw answeredByInterceptor(method.name);
      reached ??= new Promise<Message>((resolve, reject) => {
        const told = (outcome: Outcome) => replyMessage(method, outcome, resolve, reject);
        answered = this.#goOn(runnable, () => this.#append(runnable, told), told);
      });
      return reached;
    });
    let failure: unknown = answeredByInterceptor(method.name);
    try {
      await run(message, sessionContext(request, stream.context));
    } catch (error) {
      failure = error;
    }
    isOver = true;
    const error = handlerError(failure, maskErrors);
    await (answered ?? this.#goOn(runnable, () => this.#appendRefused(runnable, error)));
  }

  /**
   * Appends, unless the check has another outcome by now: while the interceptors took their time, the session may have
   * ended, or the request may have come on another stream.
   */
  #goOn(
    { stamp, stream, request }: AcceptedRequest,
    append: () => Promise<void>,
    told?: Told,
  ): Promise<void> {
    const check = this.#check(stamp, stream, false);
    return check.kind === "accept" ? append() : this.#known(check, request, told);
  }

  #append(runnable: RunnableRequest, told?: Told): Promise<void> {
    const { method, request, stamp } = runnable;
    const { maxWaitMs, serverId } = this.#parts;
    const { payload } = request;
    const entry: Entry =
      method.mode === "replicated"
        ? { kind: "request", stamp, method: method.name, payload }
        : { kind: "intent", stamp, method: method.name, serverId };
    const wait = new AnswerWait(request, maxWaitMs, told);
    return this.#propose(entry, runnable, wait, (effect, waits) => {
      const { runs, log } = this.#parts;
      const context = sessionContext(request, runnable.stream.context);
      runs.start(effect, { method, request: runnable.message, context }, log.table.limits.guardTimeoutMs);
      for (const one of [...waits]) runs.wait(effect.op, one);
    });
  }

  /** Its number was given out, so it must be an entry: else all behind it would be a gap for ever. */
  #appendRefused(accepted: AcceptedRequest, error: QuorateError): Promise<void> {
    const { log, maxWaitMs } = this.#parts;
    const { bytes: status } = limitedReply(handlerErrorReply(error), log.table.limits.maxReplyBytes);
    const entry: Entry = { kind: "refused", stamp: accepted.stamp, status };
    return this.#propose(entry, accepted, new AnswerWait(accepted.request, maxWaitMs), () => {});
  }

  #propose(
    entry: Entry,
    { request, stamp, user }: AcceptedRequest,
    wait: AnswerWait,
    opened: (effect: Extract<Effect, { kind: "intentOpened" }>, waits: AnswerWaits) => void,
  ): Promise<void> {
    const waits: AnswerWaits = new Set();
    wait.join(waits);
    const { client, session, request: number, digest } = stamp;
    const flight: Flight<AnswerWaits> = { client, session, request: number, digest, value: waits };
    this.#flights.add(flight);
    this.#parts.counters.accepted += 1;
    this.#parts.log.propose(entry, {
      applied: (effect, table) => {
        if (this.#isInFlight(flight)) this.#flights.take(client, session, number);
        if (effect.kind === "intentOpened") opened(effect, waits);
        else this.#settle(waits, effect, table, stamp, user);
      },
      failed: (error) => this.#failed(flight, unavailable(error)),
    });
    request.release();
    return wait.done;
  }

  #settle(waits: AnswerWaits, effect: Effect, table: ClientTable, stamp: AcceptedStamp, user: string): void {
    if (effect.kind === "applied") {
      settle(waits, { kind: "answer", op: effect.op, reply: effect.reply });
    } else if (effect.kind === "ignored" && isRequestIgnored(effect.why)) {
      const known: KnownCheck = answerIgnored(table, stamp, user, effect.why);
      if (known.kind === "awaitIntent")
        for (const wait of [...waits]) this.#parts.runs.wait(known.intentOp, wait);
      else settle(waits, known);
    }
  }

  #failed(flight: Flight<AnswerWaits>, error: QuorateError): void {
    const { client, session, request } = flight;
    const retry = error.reason === "SESSIONS_STOPPED" ? error : refusal("RETRY");
    // Behind the gap none of them can be applied.
    const gone = this.#isInFlight(flight) ? this.#flights.takeFrom(client, session, request) : [];
    for (const later of gone) if (later !== flight) settle(later.value, { kind: "refused", error: retry });
    settle(flight.value, { kind: "refused", error });
  }

  #isInFlight(flight: Flight<AnswerWaits>): boolean {
    return this.#flights.find(flight.client, flight.session, flight.request) === flight;
  }

  #refuse(request: IncomingRequest, error: QuorateError): void {
    this.#parts.counters.refused += 1;
    request.fail(error);
  }
}

function isRequestIgnored(why: string): why is "session" | "duplicate" | "gap" | "window" {
  return why === "session" || why === "duplicate" || why === "gap" || why === "window";
}

function notServed(method: string): QuorateError {
  const message = `quorate: ${method} is neither replicated nor guarded here, so that it cannot be called in a session`;
  return new QuorateError(Code.Unimplemented, message, { reason: "NOT_A_SESSION_METHOD" });
}

function answeredByInterceptor(method: string): QuorateError {
  const message = `quorate: an interceptor has answered ${method} in place of its handler`;
  return new QuorateError(Code.FailedPrecondition, message, { reason: "INTERCEPTOR_ANSWERED" });
}
