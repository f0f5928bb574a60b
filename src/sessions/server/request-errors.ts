import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { decodeStatus, errorFromStatus } from "../../../internal/wire/status.js";
import { decodeMessage } from "../../service/message-codec.js";
import type { Reply } from "../reply.js";
import type { Outcome } from "./answer-wait.js";
import type { SessionMethod } from "./session-methods.js";

/** What a request gets if the log fails it: an error by which its client sends it again. */
export function unavailable(thrown: unknown): QuorateError {
  const error = QuorateError.from(thrown, Code.Unavailable);
  if (error.code === Code.Unavailable && transientReasons.has(error.reason ?? "")) return error;
  return new QuorateError(Code.Unavailable, error.message, { reason: "LOG_UNAVAILABLE", cause: error });
}

/** A kept reply as a handler would have given it, for interceptors. */
export function replyMessage(
  { method }: SessionMethod,
  outcome: Outcome,
  resolve: (message: Message) => void,
  reject: (error: QuorateError) => void,
): void {
  const error = outcome.kind === "refused" ? outcome.error : replyError(outcome.reply);
  if (error !== undefined) reject(error);
  else if (outcome.kind === "answer") resolve(decodeMessage(method.output, outcome.reply.bytes));
}

/** The error that a reply is, or undefined for one that is none. */
export function replyError({ kind, bytes }: Reply): QuorateError | undefined {
  return kind === "status" ? errorFromStatus(decodeStatus(bytes)) : undefined;
}

const transientReasons: ReadonlySet<string> = new Set(["LOG_UNAVAILABLE", "RETRY", "SESSIONS_STOPPED"]);
