import { invalidArgument, type QuorateError } from "../../../internal/errors/quorate-error.js";
import { badAnswer, illegalTransition, otherCluster } from "./client-errors.js";
import {
  type ClientLimits,
  flawOfLimits,
  type PresentSession,
  type RegisterAnswer,
  refuteRegisterAnswer,
} from "./register-answer.js";
import type { SessionRecord } from "./session-bytes.js";

/** What a Register says; the same in all its tries, at whichever server. */
export interface Registration {
  /** The client id, in 32 lower-case hex digits. */
  readonly client: string;
  /** 32 lower-case hex digits. */
  readonly nonce: string;
  /** The session number that is held; 0 for a new session. */
  readonly previous: number;
  /** Undefined for a client that has never heard from a server. */
  readonly clusterId: string | undefined;
}

/** What the answer to a Register has brought about. */
export type RegisterOutcome =
  /** The session is active, and all that is unanswered is to be written again. */
  | { readonly kind: "active" }
  /** Nothing: the answer is one to an earlier registration. */
  | { readonly kind: "stale" }
  /** Nothing yet: the session is to be ended with this error. */
  | { readonly kind: "end"; readonly error: QuorateError };

/** What a client holds of its session by the answers to its registrations, and the registration under way. */
export class HeldSession implements PresentSession {
  readonly #client: string;
  #session: number;
  #created: number;
  #clusterId: string | undefined;
  #limits: ClientLimits | undefined;
  /** The highest request number that is known to be applied. */
  #applied: number;
  #lastOp: number;
  #registration: Registration | undefined;
  /** {@link #applied} when the registration under way began: only that is certain to be in its answer. */
  #appliedBefore = 0;
  #repeated = false;
  #mayTakeOver = false;

  constructor(client: string, record?: SessionRecord) {
    this.#client = client;
    this.#session = record?.session ?? 0;
    this.#created = record?.created ?? 0;
    this.#clusterId = record?.clusterId;
    this.#applied = record?.applied ?? 0;
    this.#lastOp = record?.lastOp ?? 0;
  }

  get session(): number {
    return this.#session;
  }

  get created(): number {
    return this.#created;
  }

  get limits(): ClientLimits | undefined {
    return this.#limits;
  }

  get lastOp(): number {
    return this.#lastOp;
  }

  get mayTakeOver(): boolean {
    return this.#mayTakeOver;
  }

  allowTakeOver(): void {
    this.#mayTakeOver = true;
  }

  /** @throws QuorateError Internal for limits that no server has. */
  updateLimits(limits: ClientLimits): void {
    const flaw = flawOfLimits(limits);
    if (flaw !== undefined) throw badAnswer(`the limits of the server are not valid: ${flaw}`);
    this.#limits = limits;
  }

  /** Begins a registration with a nonce of its own. */
  begin(nonce: string, previous: number = this.#session): Registration {
    if (!/^[0-9a-f]{32}$/.test(nonce)) throw invalidArgument("a nonce has 32 lower-case hex digits");
    if (nonce === this.#registration?.nonce) throw invalidArgument("a nonce is one of a single registration");
    const registration = { client: this.#client, nonce, previous, clusterId: this.#clusterId };
    return this.#underWay(registration, false);
  }

  /** Begins to send the last one again. An object of its own, so that late answers to the earlier tries are told apart. */
  repeat(): Registration {
    if (this.#registration === undefined) throw illegalTransition("the session has never registered");
    return this.#underWay({ ...this.#registration, clusterId: this.#clusterId }, true);
  }

  /** Begins to register with the number that another holder has got. */
  takeOver(nonce: string, { session, created }: PresentSession): Registration {
    if (!this.#mayTakeOver)
      throw illegalTransition("a session takes itself over once, after it was restored");
    if (created !== this.#created) throw illegalTransition("another session stands under the client id");
    const registration = this.begin(nonce, session);
    this.#mayTakeOver = false;
    return registration;
  }

  /** Whether this object stands for the last registration that was begun. */
  isLast(registration: Registration): boolean {
    return registration === this.#registration;
  }

  /** Takes the answer to the registration under way. */
  accept(answer: RegisterAnswer): RegisterOutcome {
    const error = refuteRegisterAnswer(answer, {
      session: this.#session,
      created: this.#created,
      clusterId: this.#clusterId,
      applied: this.#appliedBefore,
      repeated: this.#repeated,
    });
    if (error !== undefined) return { kind: "end", error };
    this.#session = answer.session;
    this.#created = answer.created;
    this.#clusterId = answer.clusterId;
    this.#limits = answer.limits;
    this.#mayTakeOver = false;
    this.recordApplied(answer.highest);
    this.observe(answer.session);
    return { kind: "active" };
  }

  /** This request was applied. */
  recordApplied(request: number): void {
    this.#applied = Math.max(this.#applied, request);
  }

  /** An answer has carried this op. */
  observe(op: number): void {
    this.#lastOp = Math.max(this.#lastOp, op);
  }

  /** @throws QuorateError FailedPrecondition, `WRONG_CLUSTER`. */
  assertCluster(clusterId: string): void {
    const known = this.#clusterId;
    if (known !== undefined && known !== clusterId) throw otherCluster(known, clusterId);
  }

  /**
   * What outlives this process.
   *
   * @throws QuorateError FailedPrecondition before the first answer.
   */
  record(): Omit<SessionRecord, "next" | "unanswered"> {
    const clusterId = this.#clusterId;
    if (clusterId === undefined) throw illegalTransition("a session without a number cannot be exported");
    return {
      client: this.#client,
      clusterId,
      session: this.#session,
      created: this.#created,
      applied: this.#applied,
      lastOp: this.#lastOp,
    };
  }

  #underWay(registration: Registration, repeated: boolean): Registration {
    this.#registration = registration;
    this.#repeated = repeated;
    this.#appliedBefore = this.#applied;
    return registration;
  }
}
