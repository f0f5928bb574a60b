import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { ErrorInfoSchema } from "../../../internal/wire/gen/google/rpc/error_details_pb.js";
import { errorDomain } from "../../../internal/wire/status.js";
import { errorReply, type Reply } from "../reply.js";

/**
 * What a handler's error is to its caller: without the reasons that sessions use themselves, here or in its details. A
 * handler may pass on what a session of its own has met, and that says nothing of the session of its caller.
 */
export function withoutSessionReason(error: QuorateError): QuorateError {
  const details = error.details.filter((detail) => !sessionReasons.has(reasonOf(detail) ?? ""));
  const isOurs = sessionReasons.has(error.reason ?? "");
  if (!isOurs && details.length === error.details.length) return error;
  const reason = isOurs ? undefined : error.reason;
  return new QuorateError(error.code, error.message, { reason, details, cause: error });
}

/** What was thrown by a handler that runs once, or by an interceptor, as its caller is told. Never throws. */
export function handlerError(thrown: unknown, maskErrors: boolean): QuorateError {
  const error = QuorateError.from(thrown);
  try {
    const masked = maskErrors && !(thrown instanceof QuorateError);
    return masked ? new QuorateError(error.code, "the handler failed") : withoutSessionReason(error);
  } catch {
    return new QuorateError(Code.Internal, "the handler failed");
  }
}

/** What was thrown by a replicated handler, the same on every server: engines have texts of their own. Never throws. */
export function replicatedError(thrown: unknown, method: string): QuorateError {
  const failed = new QuorateError(Code.Internal, `quorate: the handler of ${method} failed`);
  try {
    const isMeant = thrown instanceof QuorateError && thrown.code !== Code.Ok;
    return isMeant ? withoutSessionReason(thrown) : failed;
  } catch {
    return failed;
  }
}

/** The reply that a handler's error is, also one whose details are no messages. Never throws. */
export function handlerErrorReply(error: QuorateError): Reply {
  try {
    return errorReply(error);
  } catch {
    return errorReply(new QuorateError(Code.Internal, "quorate: the handler failed"));
  }
}

function reasonOf(detail: QuorateError["details"][number]): string | undefined {
  try {
    const info = anyUnpack(detail, ErrorInfoSchema);
    return info?.domain === errorDomain ? info.reason : undefined;
  } catch {
    return undefined;
  }
}

const sessionReasons: ReadonlySet<string> = new Set([
  "ALREADY_ANSWERED",
  "BAD_STAMP",
  "LOG_REGRESSED",
  "LOG_UNAVAILABLE",
  "NOT_AUTHENTICATED",
  "NO_SESSION",
  "OUTCOME_UNKNOWN",
  "REQUEST_GAP",
  "REQUEST_REUSED",
  "RETRY",
  "SESSIONS_STOPPED",
  "SESSION_MISMATCH",
  "SESSION_NOT_BOUND",
  "SESSION_OWNED_BY_ANOTHER_USER",
  "SESSION_UNKNOWN",
  "STREAM_HAS_USER",
  "WINDOW_FULL",
  "WRONG_CLUSTER",
]);
