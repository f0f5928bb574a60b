import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { SessionMismatchSchema } from "./gen/quorate/session/v1/session_pb.js";

/** The reasons of refusals that need nothing but their text. */
export type RefusalReason =
  | "NOT_AUTHENTICATED"
  | "NO_SESSION"
  | "SESSION_OWNED_BY_ANOTHER_USER"
  | "SESSION_UNKNOWN"
  | "SESSION_NOT_BOUND"
  | "ALREADY_ANSWERED"
  | "REQUEST_REUSED"
  | "WINDOW_FULL"
  | "REQUEST_GAP"
  | "RETRY"
  | "OUTCOME_UNKNOWN";

/** The error of a refusal. */
export function refusal(reason: RefusalReason): QuorateError {
  const { code, text } = refusals[reason];
  return new QuorateError(code, `quorate: ${text}`, { reason });
}

const refusals: { readonly [Reason in RefusalReason]: { readonly code: Code; readonly text: string } } = {
  NOT_AUTHENTICATED: { code: Code.Unauthenticated, text: "log in on this stream first" },
  NO_SESSION: { code: Code.NotFound, text: "the client has no session; it has ended, or never was" },
  SESSION_OWNED_BY_ANOTHER_USER: { code: Code.PermissionDenied, text: "the session belongs to another user" },
  SESSION_UNKNOWN: { code: Code.InvalidArgument, text: "the client has no session with this number yet" },
  SESSION_NOT_BOUND: {
    code: Code.Unauthenticated,
    text: "register on this stream again, with the same nonce",
  },
  ALREADY_ANSWERED: {
    code: Code.AlreadyExists,
    text: "the request was applied, and its reply is forgotten because the client had said that it has it",
  },
  REQUEST_REUSED: { code: Code.InvalidArgument, text: "the request number was used for another request" },
  WINDOW_FULL: {
    code: Code.ResourceExhausted,
    text: "too many requests of the session, or too many bytes of replies, are not consumed yet",
  },
  REQUEST_GAP: { code: Code.OutOfRange, text: "a request with a lower number is missing" },
  RETRY: { code: Code.Unavailable, text: "the request was not applied here; send it again" },
  // Stands in kept replies: servers with another text would diverge.
  OUTCOME_UNKNOWN: { code: Code.Aborted, text: "it cannot be known whether the request had an effect" },
};

/** The session has another number, `session`, since the client registered again elsewhere. */
export function sessionMismatch(session: number, created: number): QuorateError {
  const detail = create(SessionMismatchSchema, { session: BigInt(session), created: BigInt(created) });
  return new QuorateError(
    Code.FailedPrecondition,
    "quorate: the session has been taken over by a newer one",
    {
      reason: "SESSION_MISMATCH",
      details: [anyPack(SessionMismatchSchema, detail)],
    },
  );
}

/** A stamp, or the ids and numbers of a session message, are not as they must be. */
export function badStamp(why: string): QuorateError {
  return new QuorateError(Code.InvalidArgument, `quorate: the stamp of the session is refused: ${why}`, {
    reason: "BAD_STAMP",
  });
}

/** A request of this many bytes is above the limit of the sessions. */
export function requestTooLarge(size: number, maxRequestBytes: number): QuorateError {
  const message = `quorate: the request has ${size} bytes, and maxRequestBytes is ${maxRequestBytes}`;
  return new QuorateError(Code.ResourceExhausted, message, { reason: "REQUEST_TOO_LARGE" });
}

/** A reply of this many bytes is not kept. The text stands in kept replies: servers with another one would diverge. */
export function replyTooLarge(size: number, maxReplyBytes: number): QuorateError {
  return new QuorateError(
    Code.ResourceExhausted,
    `quorate: the request was applied, but its reply has ${size} bytes and maxReplyBytes is ${maxReplyBytes}`,
    { reason: "REPLY_TOO_LARGE" },
  );
}

/** The log belongs to another cluster than what is used with it. */
export function wrongCluster(what: string): QuorateError {
  return new QuorateError(
    Code.FailedPrecondition,
    `quorate: ${what} belongs to another cluster than the log`,
    {
      reason: "WRONG_CLUSTER",
    },
  );
}

/** What stands in the log was written by a newer version, and must not be skipped: the server stops. */
export function unknownEntry(why: string): QuorateError {
  return new QuorateError(
    Code.Unimplemented,
    `quorate: ${why}; a newer version wrote it, so this server stops: update it`,
    { reason: "UNKNOWN_ENTRY" },
  );
}

/** An entry holds what no version writes: the server stops. */
export function damagedEntry(why: string, cause?: unknown): QuorateError {
  return new QuorateError(Code.DataLoss, `quorate: an entry of the log is damaged: ${why}`, {
    reason: "DAMAGED_ENTRY",
    cause,
  });
}

/** The bytes are no snapshot, or not all of it. */
export function damagedSnapshot(why: string, cause?: unknown): QuorateError {
  return new QuorateError(Code.DataLoss, `quorate: the snapshot of the sessions is damaged: ${why}`, {
    reason: "DAMAGED_SNAPSHOT",
    cause,
  });
}
