import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import { badAnswer, sessionEnded, takenOver } from "./client-errors.js";

/** What has come back for a call of a session. */
export interface SessionAnswer {
  /** Its request number; undefined for a read and a KeepAlive, which have none. */
  readonly request: number | undefined;
  /** The session number that it was stamped with. */
  readonly session: number;
  /** The stream on which it came is the one that the session is bound on. */
  readonly onBoundStream: boolean;
  /** What it answers was not written once more since: by a resend, or after a registration. */
  readonly isLatest: boolean;
  /** It was written when all lower numbers were answered. */
  readonly wasLowest: boolean;
  /** The entry `quorate-op` of the answer: it stands for an applied entry. */
  readonly op: number | undefined;
  /** Undefined for a reply. */
  readonly error: QuorateError | undefined;
}

/** What of a session decides about an answer; a `SessionState` is one. */
export interface AnswerContext {
  /** The session number stands, no registration is under way, and the client does not leave. */
  readonly isBound: boolean;
  readonly session: number;
  isUnanswered(request: number): boolean;
}

/** What an answer means. */
export type AnswerAction =
  /** It is the reply, or the handler's error. `SessionState.complete()`, and the caller gets it. */
  | { readonly kind: "final"; readonly op: number }
  /** The number counts as answered, and the caller gets this error. `SessionState.complete()` */
  | { readonly kind: "answered"; readonly error: QuorateError }
  /** Log in, and send the last Register again. `SessionState.registerAgain()` */
  | { readonly kind: "registerAgain"; readonly error: QuorateError }
  /** Back off, then write all unanswered requests again, in order. `SessionState.resend()`; a read goes again as well. */
  | { readonly kind: "resend"; readonly error: QuorateError }
  /** `SessionState.end()` */
  | { readonly kind: "end"; readonly error: QuorateError }
  /** It says nothing (any more); what it was for stays unanswered, unless it is answered already. */
  | { readonly kind: "ignore" };

/**
 * What an answer to a request, a read or a KeepAlive means.
 *
 * An answer with an op counts from any stream and under any session number. A refusal counts only from the stream that
 * the session is bound on, for the present number, while nothing is being registered: an older stream knows nothing of
 * what the session is by now. One that asks to try again counts only for the last try: for the one before that was done,
 * and a gap that was there then may be closed.
 */
export function classifyAnswer(answer: SessionAnswer, context: AnswerContext): AnswerAction {
  const { request, session, onBoundStream, isLatest, wasLowest, op, error } = answer;
  if (request !== undefined && !context.isUnanswered(request)) return { kind: "ignore" };
  if (op !== undefined) return { kind: "final", op };
  if (!onBoundStream || !context.isBound || session !== context.session) return { kind: "ignore" };
  // Without an op nothing was applied, so a success says that the server runs calls without a session.
  if (error === undefined) return { kind: "end", error: badAnswer("a reply has come without an op") };
  const reason = error.reason ?? "";
  if (answeredReasons.has(reason)) return { kind: "answered", error };
  if (endingReasons.has(reason)) return { kind: "end", error };
  if (!isLatest) return { kind: "ignore" };
  if (unboundReasons.has(reason)) return { kind: "registerAgain", error };
  // Nothing was before it, so that sending again closes no gap.
  const isHopeless = reason === "REQUEST_GAP" && wasLowest;
  return isHopeless ? { kind: "end", error } : { kind: "resend", error };
}

/** Why a server has called `Evicted`. */
export type EvictionReason = "capacity" | "expired" | "takenOver" | "unregistered" | "unknown";

/** A call of `Evicted` for the client of a session. */
export interface Eviction {
  /** The session number that ended. */
  readonly session: number;
  readonly reason: EvictionReason;
  /** It came on the stream that the session is bound on. */
  readonly onBoundStream: boolean;
}

/** What an `Evicted` for this client means: heeded under the same conditions as a refusal. */
export function classifyEviction(
  { session, reason, onBoundStream }: Eviction,
  context: Pick<AnswerContext, "isBound" | "session">,
): Extract<AnswerAction, { readonly kind: "end" | "ignore" }> {
  if (!onBoundStream || !context.isBound || session !== context.session) return { kind: "ignore" };
  if (reason === "takenOver") {
    return { kind: "end", error: takenOver() };
  }
  return { kind: "end", error: sessionEnded(evictionTexts[reason]) };
}

const evictionTexts = {
  capacity: "the session has ended: its place was needed for another one",
  expired: "the session has ended: it was not used for too long",
  unregistered: "the session has ended: it was unregistered",
  unknown: "the session has ended",
};

const answeredReasons: ReadonlySet<string> = new Set(["ALREADY_ANSWERED", "REQUEST_REUSED"]);

const unboundReasons: ReadonlySet<string> = new Set(["NOT_AUTHENTICATED", "SESSION_NOT_BOUND"]);

/**
 * The reasons of sessions that no sending again mends. Reasons of other parts, such as those of a full queue or of a
 * closing server, say nothing of the session.
 */
const endingReasons: ReadonlySet<string> = new Set([
  "BAD_STAMP",
  "LOG_REGRESSED",
  "NO_SESSION",
  "OUTCOME_UNKNOWN",
  "SESSION_MISMATCH",
  "SESSION_OWNED_BY_ANOTHER_USER",
  "SESSION_UNKNOWN",
  "STREAM_HAS_USER",
  "WRONG_CLUSTER",
]);
