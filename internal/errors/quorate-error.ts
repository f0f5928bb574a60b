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
      if (!anyIs(detail, schema)) return [];
      try {
        return [fromBinary(schema, detail.value)];
      } catch {
        return [];
      }
    });
  }

  /**
   * Any thrown value as a QuorateError. A QuorateError stays itself; an error with a gRPC status of its own
   * (grpc-js, connect-es) keeps code and text; an error that wraps one in its `cause` has the wrapped code and
   * details with its own text; a time-out is DeadlineExceeded, an abort Canceled; all else takes `fallback`.
   */
  static from(error: unknown, fallback: Code = Code.Unknown): QuorateError {
    if (error instanceof QuorateError) return error;
    const own = statusOf(error);
    if (own !== undefined) return new QuorateError(own.code, own.message, { cause: error });
    for (
      let inner = causeOf(error), depth = 0;
      inner !== undefined && depth < 16;
      inner = causeOf(inner), depth++
    ) {
      if (inner instanceof QuorateError) {
        const { code, reason, details } = inner;
        return new QuorateError(code, messageOf(error), { reason, details, cause: error });
      }
      const wrapped = statusOf(inner);
      if (wrapped !== undefined) return new QuorateError(wrapped.code, messageOf(error), { cause: error });
    }
    return new QuorateError(fallback, messageOf(error), { cause: error });
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

function statusOf(error: unknown): { code: Code; message: string } | undefined {
  if (isNamed(error, "TimeoutError")) return { code: Code.DeadlineExceeded, message: messageOf(error) };
  if (isNamed(error, "AbortError")) return { code: Code.Canceled, message: messageOf(error) };
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "number") return undefined;
  if (error.code < 1 || codeFromNumber(error.code) !== error.code) return undefined;
  // grpc-js puts the bare text into `details`, connect-es into `rawMessage`; `message` has the code in front.
  const bare = "details" in error ? error.details : "rawMessage" in error ? error.rawMessage : undefined;
  return { code: codeFromNumber(error.code), message: typeof bare === "string" ? bare : error.message };
}

function isNamed(error: unknown, name: string): boolean {
  return typeof error === "object" && error !== null && "name" in error && error.name === name;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  try {
    return String(error);
  } catch {
    return "a value was thrown that has no text";
  }
}
