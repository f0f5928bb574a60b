import { create } from "@bufbuild/protobuf";
import { AnySchema, anyPack, DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { abortError, invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";

const duration = (seconds: bigint) => anyPack(DurationSchema, create(DurationSchema, { seconds }));

describe("QuorateError", () => {
  it("is an error with code, reason, details and cause", () => {
    const cause = new Error("why");
    const details = [duration(1n)];
    const error = new QuorateError(Code.NotFound, "no key", { reason: "NO_KEY", cause, details });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "QuorateError", code: 5, message: "no key", reason: "NO_KEY" });
    expect(error.cause).toBe(cause);
    expect(error.details).toBe(details);
    expect(error.stack).toContain("QuorateError: no key");
  });

  it("has neither reason nor details nor a cause unless given", () => {
    const error = new QuorateError(Code.Internal, "x", { reason: undefined, cause: undefined });
    expect(error).toMatchObject({ reason: undefined, details: [] });
    expect(Object.hasOwn(error, "cause")).toBe(false);
  });

  it.each([
    [
      new QuorateError(Code.NotFound, "no key", { reason: "NO_KEY" }),
      "QuorateError [NotFound, NO_KEY]: no key",
    ],
    [new QuorateError(Code.Canceled, "gone"), "QuorateError [Canceled]: gone"],
    [new QuorateError(99 as Code, "odd"), "QuorateError [Unknown]: odd"],
  ])("says in a console what it is: %s", (error, text) => {
    expect(String(error)).toBe(text);
  });

  it("keeps the name of a class that extends it", () => {
    class LockedError extends QuorateError {
      override readonly name = "LockedError";
    }
    const error = new LockedError(Code.Aborted, "held");
    expect(QuorateError.from(error)).toBe(error);
    expect(String(error)).toBe("LockedError [Aborted]: held");
  });
});

describe("QuorateError.findDetails", () => {
  it("finds the details of one type, in order", () => {
    const details = [duration(1n), anyPack(TimestampSchema, create(TimestampSchema)), duration(2n)];
    const error = new QuorateError(Code.Internal, "x", { details });
    expect(error.findDetails(DurationSchema).map(({ seconds }) => seconds)).toEqual([1n, 2n]);
    expect(error.findDetails(TimestampSchema)).toHaveLength(1);
    expect(new QuorateError(Code.Internal, "x").findDetails(DurationSchema)).toEqual([]);
  });

  it.each([
    ["does not decode", { typeUrl: "x/google.protobuf.Duration", value: Uint8Array.of(0xff) }],
    ["has no type", { typeUrl: "" }],
    ["has a type URL without a name", { typeUrl: "type.googleapis.com/" }],
  ])("leaves out what %s", (_, init) => {
    const details = [create(AnySchema, init), duration(7n)];
    const error = new QuorateError(Code.Internal, "x", { details });
    expect(error.findDetails(DurationSchema).map(({ seconds }) => seconds)).toEqual([7n]);
  });
});

describe("abortError", () => {
  it("is the signal's reason where that is a QuorateError", () => {
    const reason = new QuorateError(Code.Unavailable, "closing", { reason: "SERVER_CLOSING" });
    expect(abortError(reason)).toBe(reason);
  });

  it("is DeadlineExceeded for AbortSignal.timeout", () => {
    const reason = new DOMException("The operation was aborted due to timeout", "TimeoutError");
    const error = abortError(reason);
    expect(error).toMatchObject({ code: Code.DeadlineExceeded, message: reason.message });
    expect(error.cause).toBe(reason);
  });

  it.each([
    ["no reason of its own", AbortSignal.abort().reason],
    ["an error", new Error("enough")],
    ["an error with a gRPC status", Object.assign(new Error("x"), { code: 5, details: "x" })],
    ["a text", "enough"],
    ["null", null],
  ])("[CX-01] is Canceled for a signal with %s, which is the cause", (_, reason) => {
    const error = abortError(reason);
    expect(error).toMatchObject({
      code: Code.Canceled,
      message: "quorate: the call was canceled by its signal",
    });
    expect(error.cause).toBe(reason);
  });
});

describe("invalidArgument", () => {
  it("says that it comes from quorate", () => {
    const cause = new Error("why");
    expect(invalidArgument("timeoutMs is -1", cause)).toMatchObject({
      code: Code.InvalidArgument,
      message: "quorate: timeoutMs is -1",
      cause,
    });
  });
});
