import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { create } from "@bufbuild/protobuf";
import { anyPack, DurationSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { checkLeaks } from "../helpers/leaks.js";

checkLeaks();

const details = [anyPack(DurationSchema, create(DurationSchema, { seconds: 1n }))];

/** What grpc-js rejects calls with. */
const serviceError = (code: number, text: string) =>
  Object.assign(new Error(`${code} CODE: ${text}`), { code, details: text, metadata: {} });

/** What connect-es throws. */
const connectError = (code: number, text: string) =>
  Object.assign(new Error(`[code] ${text}`), {
    name: "ConnectError",
    code,
    rawMessage: text,
    metadata: new Headers(),
    details: [],
  });

const named = (name: string, message: string, cause?: unknown) =>
  Object.assign(new Error(message, { cause }), { name });

function cyclic(): Error {
  const first = new Error("round");
  const second = new Error("and round", { cause: first });
  first.cause = second;
  return first;
}

/** An error under so many others. */
function buried(depth: number, innermost: Error): Error {
  let error = innermost;
  for (let level = 0; level < depth; level++) error = new Error(`level ${level}`, { cause: error });
  return error;
}

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

describe("QuorateError.from", () => {
  it("leaves a QuorateError what it is", () => {
    const error = new QuorateError(Code.NotFound, "x", { cause: new QuorateError(Code.Internal, "y") });
    expect(QuorateError.from(error, Code.Internal)).toBe(error);
  });

  it.each<[what: string, thrown: unknown, code: Code, message: string]>([
    ["[F-12] a grpc-js error", serviceError(5, "no key"), Code.NotFound, "no key"],
    ["[F-12] a grpc-js error without text", serviceError(14, ""), Code.Unavailable, ""],
    ["a connect-es error", connectError(9, "not now"), Code.FailedPrecondition, "not now"],
    ["[F-12] a wrapped grpc-js error", buried(1, serviceError(5, "in")), Code.NotFound, "level 0"],
    [
      "a deeply wrapped connect-es error",
      buried(5, connectError(8, "in")),
      Code.ResourceExhausted,
      "level 4",
    ],
    ["a grpc-js error of code Ok", serviceError(0, "odd"), Code.Unknown, "0 CODE: odd"],
    ["a grpc-js error of no known code", serviceError(17, "odd"), Code.Unknown, "17 CODE: odd"],
    [
      "an error of the system",
      Object.assign(new Error("refused"), { code: "ECONNREFUSED", details: "x" }),
      Code.Unknown,
      "refused",
    ],
    ["a number that is no gRPC code", Object.assign(new Error("exit"), { code: 1 }), Code.Unknown, "exit"],
    ["a DOMException", new DOMException("not there", "NotFoundError"), Code.Unknown, "not there"],
    ["an abort", named("AbortError", "stopped"), Code.Canceled, "stopped"],
    ["an abort as DOMException", new DOMException("stopped", "AbortError"), Code.Canceled, "stopped"],
    ["a time-out", named("TimeoutError", "too late"), Code.DeadlineExceeded, "too late"],
    [
      "a time-out as DOMException",
      new DOMException("too late", "TimeoutError"),
      Code.DeadlineExceeded,
      "too late",
    ],
    ["a wrapped abort", buried(1, named("AbortError", "in")), Code.Canceled, "level 0"],
    ["a wrapped time-out", buried(2, named("TimeoutError", "in")), Code.DeadlineExceeded, "level 1"],
    [
      "an abort because of a time-out",
      named("AbortError", "stopped", named("TimeoutError", "late")),
      Code.DeadlineExceeded,
      "stopped",
    ],
    [
      "an abort because of a plain error",
      named("AbortError", "stopped", new Error("x")),
      Code.Canceled,
      "stopped",
    ],
    ["[ER-08] a plain error", new Error("plain"), Code.Unknown, "plain"],
    ["an error without text", new Error(""), Code.Unknown, ""],
    ["an error whose text is none", Object.assign(new Error("x"), { message: 5 }), Code.Unknown, "5"],
    ["an error that causes itself", cyclic(), Code.Unknown, "round"],
    ["an error whose cause is null", new Error("x", { cause: null }), Code.Unknown, "x"],
    ["an error whose cause is a text", new Error("x", { cause: "y" }), Code.Unknown, "x"],
    ["a text", "just text", Code.Unknown, "just text"],
    ["a number", 5, Code.Unknown, "5"],
    ["null", null, Code.Unknown, "null"],
    ["undefined", undefined, Code.Unknown, "undefined"],
    ["a symbol", Symbol("s"), Code.Unknown, "Symbol(s)"],
    ["an object that looks like a status", { code: 5, details: "x" }, Code.Unknown, "[object Object]"],
  ])("[F-12] makes of %s a code and a text", (_, thrown, code, message) => {
    const error = QuorateError.from(thrown);
    expect(error).toBeInstanceOf(QuorateError);
    expect(error).toMatchObject({ code, message, reason: undefined });
    expect(error.cause).toBe(thrown);
  });

  it.each<[what: string, thrown: unknown]>([
    ["an object without any property", Object.create(null)],
    ["an object that cannot be text", { toString: () => ({}), valueOf: () => ({}) }],
    ["a revoked proxy", revoked()],
    [
      "an error with a getter that throws",
      Object.defineProperty(new Error("x"), "code", {
        get: () => {
          throw new Error("y");
        },
      }),
    ],
    ["an error whose text cannot be text", Object.assign(new Error("x"), { message: Object.create(null) })],
  ])("does not throw for %s", (_, thrown) => {
    const error = QuorateError.from(thrown, Code.Internal);
    expect(error).toMatchObject({ code: Code.Internal, message: "a value was thrown that has no text" });
    expect(error.cause).toBe(thrown);
  });

  it("[F-12] gives an error that wraps a QuorateError its code, reason and details, and its own text", () => {
    const inner = new QuorateError(Code.Aborted, "in", { reason: "WHY", details });
    const error = QuorateError.from(buried(3, inner));
    expect(error).toMatchObject({ code: Code.Aborted, reason: "WHY", message: "level 2" });
    expect(error.details).toEqual(details);
  });

  it("takes the nearest status of several", () => {
    const inner = serviceError(5, "in");
    inner.cause = new QuorateError(Code.Aborted, "innermost");
    expect(QuorateError.from(new Error("out", { cause: inner }))).toMatchObject({ code: Code.NotFound });
  });

  it("takes the code of the signal's reason from an abort that has it as cause", () => {
    const reason = new QuorateError(Code.Unavailable, "closing", { reason: "SERVER_CLOSING" });
    expect(QuorateError.from(named("AbortError", "stopped", reason))).toMatchObject({
      code: Code.Unavailable,
      reason: "SERVER_CLOSING",
      message: "stopped",
    });
  });

  it("gives the fallback to what has no status", () => {
    expect(QuorateError.from(new Error("x"), Code.Internal).code).toBe(Code.Internal);
    expect(QuorateError.from(serviceError(5, "x"), Code.Internal).code).toBe(Code.NotFound);
    expect(QuorateError.from(named("AbortError", "x"), Code.Internal).code).toBe(Code.Canceled);
  });

  it("reads what Node throws when a signal ends a wait", async () => {
    const reason = new QuorateError(Code.DeadlineExceeded, "too late", { reason: "LATE" });
    const aborted = await delay(60_000, undefined, { signal: AbortSignal.abort(reason) }).catch(
      (error: unknown) => error,
    );
    expect(QuorateError.from(aborted)).toMatchObject({ code: Code.DeadlineExceeded, reason: "LATE" });
    const stopped = await delay(60_000, undefined, { signal: AbortSignal.abort() }).catch(
      (error: unknown) => error,
    );
    expect(QuorateError.from(stopped).code).toBe(Code.Canceled);
  });

  it("does not take the exit code of a child process for a status", async () => {
    const failed = await promisify(execFile)(process.execPath, ["-e", "process.exit(5)"]).catch(
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({ code: 5 });
    expect(QuorateError.from(failed).code).toBe(Code.Unknown);
  });
});
