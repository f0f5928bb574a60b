import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { type Any, anyIs } from "@bufbuild/protobuf/wkt";
import { Code, codeFromNumber, codeName } from "./code.js";

/** What a {@link QuorateError} carries beside its code and message. */
export interface QuorateErrorOptions {
  /** A stable word for programs, such as `SEND_QUEUE_FULL`; crosses the wire as a `google.rpc.ErrorInfo` of domain `quorate`. */
  readonly reason?: string | undefined;
  /** What led to this error. Stays in this process. */
  readonly cause?: unknown;
  /** Details for the caller, each a message packed as `google.protobuf.Any`. They cross the wire. */
  readonly details?: readonly Any[] | undefined;
}

/**
 * The one error family of quorate: every failure of a call, a connection or an argument.
 *
 * Throw one from a handler to choose what the caller gets: code, message, reason and details cross the wire.
 */
export class QuorateError extends Error {
  /** The gRPC status code. */
  readonly code: Code;
  /** A stable word for programs, or undefined; `docs/errors.md` lists them. */
  readonly reason: string | undefined;
  /** Messages for the caller, as sent. Read them with {@link findDetails}. */
  readonly details: readonly Any[];

  constructor(code: Code, message: string, options: QuorateErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reason = options.reason;
    this.details = options.details ?? [];
  }

  static {
    Object.defineProperty(QuorateError.prototype, "name", {
      value: "QuorateError",
      configurable: true,
      writable: true,
    });
  }

  /** The details of this message type, decoded. Undecodable ones are left out. */
  findDetails<Desc extends DescMessage>(schema: Desc): MessageShape<Desc>[] {
    return this.details.flatMap((detail) => {
      try {
        // A type URL of a peer may be one that protobuf-es refuses to look at.
        return anyIs(detail, schema) ? [fromBinary(schema, detail.value)] : [];
      } catch {
        return [];
      }
    });
  }

  /**
   * Any thrown value as a QuorateError. A QuorateError stays itself; an error with a gRPC status of its own
   * (grpc-js, connect-es) keeps code and text; an error that wraps one in its `cause` has the wrapped code and
   * details with its own text; a time-out is DeadlineExceeded, an abort whose cause says nothing else Canceled;
   * all else takes `fallback`. Never throws.
   */
  static from(error: unknown, fallback: Code = Code.Unknown): QuorateError {
    try {
      return fromThrown(error, fallback);
    } catch {
      // A getter or a proxy may throw at any touch; what a handler threw must become an answer all the same.
      return new QuorateError(fallback, "a value was thrown that has no text", { cause: error });
    }
  }

  /** For consoles: name, code and message. */
  override toString(): string {
    const reason = this.reason === undefined ? "" : `, ${this.reason}`;
    return `${this.name} [${codeName(this.code)}${reason}]: ${this.message}`;
  }
}

/** The error of a call that its signal ended: `reason` itself if it is a QuorateError or a time-out, else Canceled. */
export function abortError(reason: unknown): QuorateError {
  if (reason instanceof QuorateError) return reason;
  if (isNamed(reason, "TimeoutError")) return QuorateError.from(reason);
  return new QuorateError(Code.Canceled, "quorate: the call was canceled by its signal", { cause: reason });
}

/** An InvalidArgument error; `message` names what was wrong and what to do. */
export function invalidArgument(message: string, cause?: unknown): QuorateError {
  return new QuorateError(Code.InvalidArgument, `quorate: ${message}`, { cause });
}

function fromThrown(error: unknown, fallback: Code): QuorateError {
  if (error instanceof QuorateError) return error;
  let aborted = false;
  for (let inner = error, depth = 0; inner !== undefined && depth < 16; inner = causeOf(inner), depth++) {
    if (inner instanceof QuorateError) {
      const { code, reason, details } = inner;
      return new QuorateError(code, messageOf(error), { reason, details, cause: error });
    }
    const status = statusOf(inner);
    if (status !== undefined) {
      return new QuorateError(status.code, inner === error ? status.message : messageOf(error), {
        cause: error,
      });
    }
    // That a signal ended it is the weakest word: the cause may be the signal's reason, a time-out for one.
    aborted ||= isNamed(inner, "AbortError");
  }
  return new QuorateError(aborted ? Code.Canceled : fallback, messageOf(error), { cause: error });
}

function statusOf(error: unknown): { code: Code; message: string } | undefined {
  if (isNamed(error, "TimeoutError")) return { code: Code.DeadlineExceeded, message: messageOf(error) };
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "number") return undefined;
  if (error.code < 1 || codeFromNumber(error.code) !== error.code) return undefined;
  // connect-es puts the bare text into `rawMessage`, grpc-js into `details`; `message` has the code in front.
  // Without one the number is no gRPC code: a DOMException and the error of a child process have numbers too.
  const bare = "rawMessage" in error ? error.rawMessage : "details" in error ? error.details : undefined;
  return typeof bare === "string" ? { code: codeFromNumber(error.code), message: bare } : undefined;
}

function isNamed(error: unknown, name: string): boolean {
  return typeof error === "object" && error !== null && "name" in error && error.name === name;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
