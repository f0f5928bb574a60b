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
