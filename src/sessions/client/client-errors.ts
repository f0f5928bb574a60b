import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";

/** The session has ended: what was never written was not applied. `cause` says why it ended. */
export function sessionEnded(message: string, cause?: unknown): QuorateError {
  return new QuorateError(Code.NotFound, `quorate: ${message}`, { reason: "NO_SESSION", cause });
}

/**
 * A request was written, and the session ended before its answer: it may have been applied, and may not. Must not be
 * taken for a failure that allows to send it again in another session.
 */
export function outcomeUnknown(message: string, cause?: unknown): QuorateError {
  return new QuorateError(Code.Aborted, `quorate: ${message}`, { reason: "OUTCOME_UNKNOWN", cause });
}

/** Another holder of the client id has the session now. */
export function takenOver(cause?: unknown): QuorateError {
  return new QuorateError(Code.FailedPrecondition, "quorate: another holder has taken over the session", {
    reason: "SESSION_MISMATCH",
    cause,
  });
}

/** The servers belong to another cluster than the session. Terminal. */
export function otherCluster(expected: string, actual: string): QuorateError {
  const message = `quorate: the session is one of cluster ${expected}, the server is one of ${actual}`;
  return new QuorateError(Code.FailedPrecondition, message, { reason: "WRONG_CLUSTER" });
}

/** The log of the servers has lost what it had acknowledged. */
export function logRegressed(message: string): QuorateError {
  return new QuorateError(Code.DataLoss, `quorate: ${message}`, { reason: "LOG_REGRESSED" });
}

/** A server has sent what no server may send. */
export function badAnswer(message: string): QuorateError {
  return new QuorateError(Code.Internal, `quorate: ${message}`, { reason: "BAD_SESSION_ANSWER" });
}

/** Something was done in a phase of the session in which it has no place: a mistake of the code that did it. */
export function illegalTransition(message: string): QuorateError {
  return new QuorateError(Code.FailedPrecondition, `quorate: ${message}`);
}
