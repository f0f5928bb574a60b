import { Code } from "../../../internal/errors/code.js";
import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import { SessionMismatchSchema } from "../gen/quorate/session/v1/session_pb.js";
import { badAnswer, logRegressed, otherCluster, sessionEnded, takenOver } from "./client-errors.js";

/** What a client must know of the limits of the servers. Each is a positive integer. */
export interface ClientLimits {
  /** How far request numbers may be ahead of responded-to. */
  readonly maxInFlight: number;
  /** Bytes of the payload of one request. */
  readonly maxRequestBytes: number;
  /** How long a server lets a request wait, in milliseconds. */
  readonly maxWaitMs: number;
  /** How long a session may be unused, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** The session number that stands in the client table, and the op that made the entry. */
export interface PresentSession {
  readonly session: number;
  readonly created: number;
}

/** The answer to a Register. */
export interface RegisterAnswer extends PresentSession {
  /** The highest request number that was applied when the Register was. */
  readonly highest: number;
  /** Up to which request the servers have forgotten the replies. */
  readonly respondedTo: number;
  /** 32 lower-case hex digits. */
  readonly clusterId: string;
  readonly limits: ClientLimits;
}

/** What a client holds when it registers. */
export interface HeldNumbers extends PresentSession {
  /** Undefined if it has never heard from a server. */
  readonly clusterId: string | undefined;
  /** The highest number that was known to be applied when the registration began; 0 for none. */
  readonly applied: number;
  /** Whether this is once more the registration that the session number stands for. */
  readonly repeated: boolean;
}

/** What a client does after a Register failed. */
export type RegisterFailureAction =
  /** Nothing: it was a try of an earlier registration. */
  | { readonly kind: "stale" }
  /** Back off, and send the same Register again, at another server if need be. */
  | { readonly kind: "retry" }
  /** Register with the number that the session has now: `SessionState.takeOver()`. */
  | { readonly kind: "takeOver"; readonly present: PresentSession }
  | { readonly kind: "end"; readonly error: QuorateError };

/**
 * Holds the answer to a Register against what the client knows: the error with which the session ends, or undefined if
 * it goes on.
 */
export function refuteRegisterAnswer(answer: RegisterAnswer, held: HeldNumbers): QuorateError | undefined {
  const flaw = flawOf(answer);
  if (flaw !== undefined) return badAnswer(`the answer to a Register is not valid: ${flaw}`);
  if (held.clusterId !== undefined && answer.clusterId !== held.clusterId) {
    return otherCluster(held.clusterId, answer.clusterId);
  }
  if (held.session === 0) return undefined;
  const other = refuteCreated(answer, held) ?? refuteSession(answer, held);
  if (other !== undefined) return other;
  // A Register that takes effect has a higher op than the one before.
  if (answer.session === held.session && !held.repeated) {
    return logRegressed(`the session has the number ${held.session} once more: the log went back`);
  }
  return answer.highest < held.applied
    ? logRegressed(`request ${held.applied} was applied, and the highest of the log is ${answer.highest} now`)
    : undefined;
}

/**
 * What a client does after a Register failed.
 *
 * @param held.mayTakeOver whether the session was restored, and has not taken itself over yet.
 */
export function classifyRegisterError(
  error: QuorateError,
  held: PresentSession & { readonly mayTakeOver: boolean },
): RegisterFailureAction {
  if (error.reason !== "SESSION_MISMATCH") {
    return terminalCodes.has(error.code) ? { kind: "end", error } : { kind: "retry" };
  }
  const present = presentOf(error);
  if (present === undefined || held.session === 0) return { kind: "end", error: takenOver(error) };
  const refuted = refuteCreated(present, held) ?? refuteSession(present, held);
  if (refuted !== undefined) return { kind: "end", error: refuted };
  return held.mayTakeOver ? { kind: "takeOver", present } : { kind: "end", error: takenOver(error) };
}

/** What is wrong with limits that a server sent, in words; undefined if nothing is. */
export function flawOfLimits(limits: ClientLimits): string | undefined {
  const odd = limitNames.find((name) => !isOp(limits[name]));
  return odd === undefined ? undefined : `${odd} ${limits[odd]}`;
}

/**
 * An entry that another Register has made is another session, an empty one: requests that the lost one has applied would
 * run again in it. It comes of a late Register of a paused process, and of a first Register that is sent once more after
 * the session was evicted.
 */
function refuteCreated(present: PresentSession, held: PresentSession): QuorateError | undefined {
  if (present.created === held.created) return undefined;
  return present.created > held.created
    ? sessionEnded("the session has ended, and another one stands under its client id")
    : logRegressed(
        `the session was made at op ${held.created}, and at ${present.created} now: the log went back`,
      );
}

function refuteSession(present: PresentSession, held: PresentSession): QuorateError | undefined {
  if (present.session >= held.session) return undefined;
  return logRegressed(`the session was ${held.session}, and is ${present.session} now: the log went back`);
}

/** What no other try mends, there or at another server: who the client is, and what it holds. */
const terminalCodes: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.FailedPrecondition,
  Code.OutOfRange,
  Code.Unimplemented,
  Code.DataLoss,
  Code.Unauthenticated,
]);

function presentOf(error: QuorateError): PresentSession | undefined {
  const [detail] = error.findDetails(SessionMismatchSchema);
  const present = { session: Number(detail?.session), created: Number(detail?.created) };
  return isPresent(present) ? present : undefined;
}

function flawOf(answer: RegisterAnswer): string | undefined {
  const { session, created, highest, respondedTo, clusterId, limits } = answer;
  if (!isPresent(answer)) return `session ${session}, created ${created}`;
  // The number behind the highest must be a safe integer, too.
  if (!isCount(highest) || highest === Number.MAX_SAFE_INTEGER) return `highest ${highest}`;
  if (!isCount(respondedTo) || respondedTo > highest)
    return `responded-to ${respondedTo}, highest ${highest}`;
  if (!/^[0-9a-f]{32}$/.test(clusterId)) return "the cluster id is not 32 hex digits";
  return flawOfLimits(limits);
}

function isPresent({ session, created }: PresentSession): boolean {
  return isOp(session) && isOp(created) && created <= session;
}

function isOp(number: number): boolean {
  return Number.isSafeInteger(number) && number > 0;
}

function isCount(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}

const limitNames = ["maxInFlight", "maxRequestBytes", "maxWaitMs", "idleTimeoutMs"] as const;
