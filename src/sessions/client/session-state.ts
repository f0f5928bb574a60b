import { invalidArgument, type QuorateError } from "../../../internal/errors/quorate-error.js";
import { isClientId } from "../client-id.js";
import type { ReadStamp, RequestStamp } from "../stamp.js";
import { illegalTransition, sessionEnded } from "./client-errors.js";
import { HeldSession, type RegisterOutcome, type Registration } from "./held-session.js";
import {
  type ClientLimits,
  classifyRegisterError,
  type PresentSession,
  type RegisterAnswer,
  type RegisterFailureAction,
} from "./register-answer.js";
import {
  type NumberedRequest,
  type RequestFailure,
  RequestLedger,
  type RequestRecord,
} from "./request-ledger.js";
import { decodeSession, encodeSession, type SessionRecord } from "./session-bytes.js";

/** Where a session stands. It only moves forward, except that an active one registers again. */
export type SessionPhase = "new" | "registering" | "active" | "unregistering" | "closed";

/**
 * A client session as its client sees it, without input and output: its phase, its number, what is unanswered, and what
 * is to be written next. Whoever drives it has the streams, the timers and the callers.
 *
 * What has no place in the present phase throws FailedPrecondition, and once the session is closed NotFound,
 * `NO_SESSION`.
 */
export class SessionState {
  /** In 32 lower-case hex digits. Where nobody logs in it is the only secret: never print it in full. */
  readonly #client: string;
  readonly #held: HeldSession;
  readonly #requests: RequestLedger;
  #phase: SessionPhase = "new";
  #ended: QuorateError | undefined;

  /**
   * @param client the client id: 32 lower-case hex digits, random.
   * @throws QuorateError InvalidArgument.
   */
  constructor(client: string, record?: SessionRecord) {
    if (!isClientId(client)) throw invalidArgument("a client id has 32 lower-case hex digits, not all 0");
    this.#client = client;
    this.#held = new HeldSession(client, record);
    this.#requests = new RequestLedger(record?.next, record?.unanswered);
  }

  /**
   * The session that {@link export} wrote: `new`, but with its number. It registers with a nonce of its own, because the
   * one who wrote it may still be alive, and only another registration fences it.
   *
   * @param options.takeOver whether it may register once more with the number that the session has got since; default
   * true.
   * @throws QuorateError InvalidArgument, `BAD_SESSION_BYTES`.
   */
  static restore(bytes: Uint8Array, options: { readonly takeOver?: boolean } = {}): SessionState {
    const record = decodeSession(bytes);
    const state = new SessionState(record.client, record);
    if (options.takeOver ?? true) state.#held.allowTakeOver();
    return state;
  }

  get phase(): SessionPhase {
    return this.#phase;
  }

  /** Whether refusals count: the session number stands, no registration is under way, and the client does not leave. */
  get isBound(): boolean {
    return this.#phase === "active";
  }

  /** Why the session was ended; undefined as long as it was not, and after it was unregistered. */
  get ended(): QuorateError | undefined {
    return this.#ended;
  }

  /** The session number; 0 before the first answer to a Register. */
  get session(): number {
    return this.#held.session;
  }

  /** What the servers said last; undefined before the first answer to a Register. */
  get limits(): ClientLimits | undefined {
    return this.#held.limits;
  }

  /** All requests up to this number are answered. */
  get respondedTo(): number {
    return this.#requests.respondedTo;
  }

  /** The number that {@link start} gives out next. */
  get nextRequest(): number {
    return this.#requests.next;
  }

  get lowestUnanswered(): number | undefined {
    return this.#requests.lowestUnanswered;
  }

  /** What is unanswered, in the order of the numbers. */
  unanswered(): readonly NumberedRequest[] {
    return this.#requests.unanswered();
  }

  isUnanswered(request: number): boolean {
    return this.#requests.isUnanswered(request);
  }

  /**
   * Begins a registration: the first, or, when the stream was lost, the next. It is tried until {@link registered} or
   * {@link end}: with another nonce, a try that took effect unseen would fence this client itself.
   *
   * @param nonce 32 lower-case hex digits, random, of this registration alone.
   */
  register(nonce: string): Registration {
    this.#require("register", "new", "active");
    const registration = this.#held.begin(nonce);
    this.#phase = "registering";
    return registration;
  }

  /** Begins to send the last Register once more, because the stream is not bound: the session number stays. */
  registerAgain(): Registration {
    this.#require("register again", "active");
    this.#phase = "registering";
    return this.#held.repeat();
  }

  /**
   * Registers with the number that another holder has got: once, and only after {@link restore}.
   *
   * @throws QuorateError FailedPrecondition if it may not, or if the session was made anew since.
   */
  takeOver(nonce: string, present: PresentSession): Registration {
    this.#require("take over", "registering");
    return this.#held.takeOver(nonce, present);
  }

  /** Takes the answer to a Register, for which this object stood when it was sent. */
  registered(registration: Registration, answer: RegisterAnswer): RegisterOutcome {
    if (!this.#isUnderWay(registration)) return { kind: "stale" };
    const outcome = this.#held.accept(answer);
    if (outcome.kind === "active") {
      this.#phase = "active";
      this.#requests.skipTo(answer.highest);
      this.#requests.rewind();
    }
    return outcome;
  }

  /** What to do after a try of a registration failed; of an earlier one: nothing. */
  registerFailed(registration: Registration, error: QuorateError): RegisterFailureAction {
    return this.#isUnderWay(registration) ? classifyRegisterError(error, this.#held) : { kind: "stale" };
  }

  /** Takes the limits that a KeepAlive has answered. A smaller window holds back what has no number yet. */
  updateLimits(limits: ClientLimits): void {
    this.#require("be told limits", "registering", "active", "unregistering");
    this.#held.updateLimits(limits);
  }

  /** Whether {@link start} can give out a number now. */
  get hasRoom(): boolean {
    return this.isBound && this.#requests.hasRoom(this.limits);
  }

  /**
   * Gives out a number. From now on the request is written whenever {@link nextToWrite} says so until it is answered,
   * whatever becomes of its caller: a number that nobody writes would be a gap.
   *
   * @throws QuorateError ResourceExhausted: `REQUEST_TOO_LARGE`, or `WINDOW_FULL` (ask {@link hasRoom} before);
   * InvalidArgument for a method without a name. No number is given out then.
   */
  start(record: RequestRecord): number {
    this.#require("start a request", "active");
    return this.#requests.give(record, this.limits);
  }

  /** What is to be written now, in the order of the numbers; undefined if nothing is, or if the session is not active. */
  nextToWrite(): NumberedRequest | undefined {
    return this.isBound ? this.#requests.nextToWrite() : undefined;
  }

  /** The request of {@link nextToWrite} was given to the stream. */
  wrote(request: number): void {
    this.#require("write a request", "active");
    this.#requests.wrote(request);
  }

  /** What is unanswered is to be written again, all of it, before anything new. */
  resend(): void {
    this.#require("resend", "active");
    this.#requests.rewind();
  }

  /** What a request says of its session, as it is now. */
  requestStamp(request: number): RequestStamp {
    this.#require("stamp a request", "active");
    if (!this.isUnanswered(request)) throw invalidArgument(`request ${request} is not unanswered`);
    return { client: this.#client, session: this.session, request, respondedTo: this.respondedTo };
  }

  /** What a read says of its session. It has no number: it appends nothing, so that a number would leave a gap. */
  readStamp(): ReadStamp {
    this.#require("stamp a read", "active");
    return { client: this.#client, session: this.session, lastOp: this.#held.lastOp };
  }

  /**
   * A request is answered; responded-to follows over the gapless prefix of what is.
   *
   * @param op of the answer; undefined if it has none, and the number counts as answered all the same.
   * @returns false for a late answer: the request was answered before.
   * @throws QuorateError InvalidArgument for a number that was never given out.
   */
  complete(request: number, op?: number): boolean {
    const isFirst = this.#requests.complete(request);
    if (op !== undefined) {
      this.#held.recordApplied(request);
      this.#held.observe(op);
    }
    return isFirst;
  }

  /** The answer to a read has carried this op; reads of the session do not go behind it any more. */
  observe(op: number): void {
    this.#held.observe(op);
  }

  /**
   * Begins to leave. What is unanswered is awaited before, or given up with `abort`.
   *
   * @returns what was given up.
   * @throws QuorateError FailedPrecondition while something is unanswered, without `abort`.
   */
  unregister(options: { readonly abort?: boolean } = {}): readonly RequestFailure[] {
    this.#require("unregister", "active");
    if (this.#requests.size > 0 && options.abort !== true) {
      throw illegalTransition(`${this.#requests.size} requests of the session are unanswered`);
    }
    this.#phase = "unregistering";
    return this.#requests.giveUp(undefined);
  }

  /** The session is unregistered, or was gone already. */
  unregistered(): void {
    this.#require("be unregistered", "unregistering");
    this.#phase = "closed";
  }

  /**
   * Ends the session, in whichever phase; it is never begun again by itself.
   *
   * @returns what becomes of the unanswered requests, in the order of their numbers.
   */
  end(error: QuorateError): readonly RequestFailure[] {
    this.#require("end", "new", "registering", "active", "unregistering");
    this.#phase = "closed";
    this.#ended = error;
    return this.#requests.giveUp(error);
  }

  /**
   * Asks whether something may go to a server of this cluster: a request, or a Register or Unregister ("session").
   *
   * @throws QuorateError FailedPrecondition, `WRONG_CLUSTER`, which is terminal.
   */
  assertValidFor(kind: "request" | "session", clusterId: string): void {
    if (kind === "request") this.#require("send a request", "active");
    else this.#require("send a Register or an Unregister", "registering", "unregistering");
    this.#held.assertCluster(clusterId);
  }

  /**
   * The session as bytes, for {@link restore}: with the payloads of what is unanswered, and never with credentials. What
   * stands in them counts as written, because whoever restores them sends it.
   *
   * @throws QuorateError FailedPrecondition before the first answer to a Register, and while it unregisters.
   */
  export(): Uint8Array {
    this.#require("be exported", "new", "registering", "active");
    const { next } = this.#requests;
    this.#requests.recorded();
    return encodeSession({ ...this.#held.record(), next, unanswered: this.unanswered() });
  }

  #isUnderWay(registration: Registration): boolean {
    return this.#phase === "registering" && this.#held.isLast(registration);
  }

  #require(what: string, ...phases: readonly SessionPhase[]): void {
    if (phases.includes(this.#phase)) return;
    if (this.#phase === "closed") throw sessionEnded("the session has ended", this.#ended);
    throw illegalTransition(`a session that is ${this.#phase} cannot ${what}`);
  }
}
