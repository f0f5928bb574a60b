import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";

/** The sessions of this server have stopped, because of `cause`; others may go on. */
export function sessionsStopped(cause: QuorateError): QuorateError {
  return new QuorateError(
    Code.Unavailable,
    "quorate: the sessions of this server have stopped: its state cannot be trusted any more",
    { reason: "SESSIONS_STOPPED", cause },
  );
}

/** The log has less than it had, or is another one. */
export function logRegressed(why: string, cause?: unknown): QuorateError {
  return new QuorateError(Code.DataLoss, `quorate: the log has lost what was in it: ${why}`, {
    reason: "LOG_REGRESSED",
    cause,
  });
}
