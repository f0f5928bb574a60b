import { expect } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import type { RawAnswer } from "./raw-session-client.js";

const codes = {
  NOT_AUTHENTICATED: Code.Unauthenticated,
  NO_SESSION: Code.NotFound,
  SESSION_OWNED_BY_ANOTHER_USER: Code.PermissionDenied,
  SESSION_MISMATCH: Code.FailedPrecondition,
  SESSION_UNKNOWN: Code.InvalidArgument,
  SESSION_NOT_BOUND: Code.Unauthenticated,
  ALREADY_ANSWERED: Code.AlreadyExists,
  REQUEST_REUSED: Code.InvalidArgument,
  WINDOW_FULL: Code.ResourceExhausted,
  REQUEST_GAP: Code.OutOfRange,
  RETRY: Code.Unavailable,
  LOG_UNAVAILABLE: Code.Unavailable,
  SESSIONS_STOPPED: Code.Unavailable,
  OUTCOME_UNKNOWN: Code.Aborted,
  BAD_STAMP: Code.InvalidArgument,
  WRONG_CLUSTER: Code.FailedPrecondition,
} as const;

/** An answer that is a refusal: without an op, as it stands for no entry. */
export function refusedWith(reason: keyof typeof codes): RawAnswer {
  const error = expect.objectContaining({ code: codes[reason], reason });
  return expect.objectContaining({ error, op: undefined, lost: false });
}

/** An answer that is an error, and stands for an entry or a state. */
export function failedWith(code: Code, reason: string | undefined): RawAnswer {
  const error = expect.objectContaining({ code, reason });
  return expect.objectContaining({ error, op: expect.any(Number), lost: false });
}
