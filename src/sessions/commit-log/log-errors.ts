import { Code } from "../../../internal/errors/code.js";
import { QuorateError, type QuorateErrorOptions } from "../../../internal/errors/quorate-error.js";

/** What is known of an entry whose append failed; see `CommitLog.append`. */
export type AppendOutcome = "not-appended" | "unknown";

/** An append that did not come to its position. */
export class AppendError extends QuorateError {
  readonly outcome: AppendOutcome;

  constructor(outcome: AppendOutcome, code: Code, message: string, options: QuorateErrorOptions) {
    super(code, `quorate: ${message}`, options);
    this.outcome = outcome;
  }

  static {
    nameAs(AppendError.prototype, "AppendError");
  }
}

/** Entries that were asked for are forgotten. OutOfRange, `LOG_TRUNCATED`. */
export class LogTruncated extends QuorateError {
  /** The highest position that was forgotten. The stored snapshot is at this position or above. */
  readonly floor: number;

  constructor(from: number, floor: number) {
    super(
      Code.OutOfRange,
      `quorate: the entries above ${from} begin with ones that the log has forgotten, up to ${floor}; load the snapshot and go on from there`,
      { reason: "LOG_TRUNCATED" },
    );
    this.floor = floor;
  }

  static {
    nameAs(LogTruncated.prototype, "LogTruncated");
  }
}

/** A file of the log is not as it was written. DataLoss, `LOG_CORRUPT`. */
export class LogCorrupt extends QuorateError {
  /** The name of the file in the folder of the log. */
  readonly file: string;
  /** The first byte of what cannot be trusted: of the frame, or 0 for the header of the file. */
  readonly offset: number;

  constructor(file: string, offset: number, why: string) {
    super(Code.DataLoss, `quorate: the file ${file} of the log is damaged at byte ${offset}: ${why}`, {
      reason: "LOG_CORRUPT",
    });
    this.file = file;
    this.offset = offset;
  }

  static {
    nameAs(LogCorrupt.prototype, "LogCorrupt");
  }
}

/** The log cannot be written, or not be reached; `cause` says why. */
export function logUnavailable(message: string, cause?: unknown): QuorateError {
  return new QuorateError(Code.Unavailable, `quorate: ${message}`, { reason: "LOG_UNAVAILABLE", cause });
}

/** The log has less than it had, or is another one. */
export function logRegressed(why: string, cause?: unknown): QuorateError {
  return new QuorateError(Code.DataLoss, `quorate: the log has lost what was in it: ${why}`, {
    reason: "LOG_REGRESSED",
    cause,
  });
}

/** The handle was closed on this side. */
export function logClosed(): QuorateError {
  return new QuorateError(Code.Unavailable, "quorate: the commit log is closed", { reason: "CLOSED" });
}

/** An append that was never begun, for a reason that an error says already. */
export function notAppended({ code, message, reason, cause }: QuorateError): AppendError {
  return new AppendError("not-appended", code, message.replace(/^quorate: /, ""), { reason, cause });
}

function nameAs(prototype: object, value: string): void {
  Object.defineProperty(prototype, "name", { value, configurable: true, writable: true });
}
