import { create, fromBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack, DurationSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { encodeBody } from "../../internal/wire/encode-envelope.js";
import { ErrorInfoSchema } from "../../internal/wire/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../internal/wire/gen/google/rpc/status_pb.js";
import { encodeStatus, errorDomain, errorFromStatus, statusFromError } from "../../internal/wire/status.js";

const duration = anyPack(DurationSchema, create(DurationSchema, { seconds: 3n }));
const errorInfo = (reason: string, domain: string) =>
  anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain, metadata: { node: "2" } }));

/** The error as the peer gets it. */
function sent(error: QuorateError): QuorateError | undefined {
  const bytes = encodeBody({ method: "m", status: statusFromError(error) });
  return errorFromStatus(decodeEnvelope(Uint8Array.from(bytes)).status);
}

const broken: [what: string, detail: Any][] = [
  [
    "an ErrorInfo that does not decode",
    create(AnySchema, { typeUrl: "x/google.rpc.ErrorInfo", value: Uint8Array.of(0xff) }),
  ],
  ["no type", create(AnySchema, { value: Uint8Array.of(1) })],
  ["a type URL without a name", create(AnySchema, { typeUrl: "type.googleapis.com/" })],
  ["a type URL that is a slash", create(AnySchema, { typeUrl: "/" })],
  ["an unknown type", create(AnySchema, { typeUrl: "nowhere/no.Such", value: Uint8Array.of(1, 2, 3) })],
];

describe("an error on the wire", () => {
  it("keeps code, message, reason and details", () => {
    const error = sent(
      new QuorateError(Code.NotFound, "no key é", { reason: "NO_KEY", details: [duration] }),
    );
    expect(error).toBeInstanceOf(QuorateError);
    expect(error).toMatchObject({ code: Code.NotFound, message: "no key é", reason: "NO_KEY" });
    expect(error?.findDetails(DurationSchema).map(({ seconds }) => seconds)).toEqual([3n]);
  });

  it("has its reason as an ErrorInfo of domain quorate", () => {
    const error = sent(new QuorateError(Code.Aborted, "", { reason: "WHY" }));
    expect(error?.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "WHY", domain: "quorate" }]);
    expect(errorDomain).toBe("quorate");
  });

  it("carries no ErrorInfo without a reason", () => {
    expect(statusFromError(new QuorateError(Code.Aborted, "plain")).details).toEqual([]);
  });

  it("does not carry its cause", () => {
    const error = sent(new QuorateError(Code.Aborted, "outer", { cause: new Error("secret") }));
    expect(error?.cause).toBeUndefined();
  });

  it("[F-11] passes details on unchanged and in order", () => {
    const details = [errorInfo("OTHER", "example.com"), duration, duration];
    const error = sent(new QuorateError(Code.Internal, "x", { details }));
    expect(error?.details).toEqual(details);
    expect(error?.reason).toBeUndefined();
  });

  it("is the same status at every hop it is sent on", () => {
    const first = statusFromError(
      new QuorateError(Code.Aborted, "x", { reason: "WHY", details: [duration] }),
    );
    let hop = first;
    for (let hops = 0; hops < 3; hops++) {
      hop = statusFromError(errorFromStatus(hop) ?? new QuorateError(Code.Internal, "no error came"));
    }
    expect(hop).toEqual(first);
  });

  it("keeps reason and details once when it is sent on as the cause of another", () => {
    const inner = sent(new QuorateError(Code.Aborted, "in", { reason: "WHY", details: [duration] }));
    const error = sent(QuorateError.from(new Error("out", { cause: inner })));
    expect(error).toMatchObject({ code: Code.Aborted, message: "out", reason: "WHY" });
    expect(error?.details).toEqual(inner?.details);
  });

  it("has its own reason, though its details hold that of another", () => {
    const inner = sent(new QuorateError(Code.Unavailable, "in", { reason: "INNER", details: [duration] }));
    const outer = new QuorateError(Code.Aborted, "out", { reason: "OUTER", details: inner?.details });
    expect(sent(outer)?.reason).toBe("OUTER");
    expect(sent(outer)?.findDetails(DurationSchema)).toHaveLength(1);
  });

  it("keeps the metadata of an ErrorInfo that says its reason already", () => {
    const details = [errorInfo("WHY", "quorate")];
    expect(sent(new QuorateError(Code.Aborted, "x", { reason: "WHY", details }))?.details).toEqual(details);
  });

  it("[F-11] is never of code Ok, which the peer would take for success", () => {
    expect(sent(new QuorateError(Code.Ok, "odd"))).toMatchObject({ code: Code.Unknown, message: "odd" });
  });

  it("is of code Unknown where a program without types gave it another", () => {
    const code = Number.NaN as Code;
    expect(sent(new QuorateError(code, "odd"))).toMatchObject({ code: Code.Unknown, message: "odd" });
  });

  it.each(broken)("goes out though a detail is %s", (_, detail) => {
    const error = sent(new QuorateError(Code.Aborted, "x", { reason: "WHY", details: [detail, duration] }));
    expect(error).toMatchObject({ code: Code.Aborted, reason: "WHY" });
    expect(error?.details).toHaveLength(3);
    expect(error?.findDetails(DurationSchema)).toHaveLength(1);
  });

  it("keeps the rest of a message that has a lone surrogate", () => {
    expect(sent(new QuorateError(Code.Aborted, "a\uD800b"))?.message).toBe("a\uFFFDb");
  });
});

describe("errorFromStatus", () => {
  it("[F-11] takes an absent status and code 0 for success", () => {
    expect(errorFromStatus(undefined)).toBeUndefined();
    expect(errorFromStatus(create(StatusSchema, { code: 0, message: "fine" }))).toBeUndefined();
  });

  it.each([1, 2, 5, 14, 16])("keeps code %i", (code) => {
    expect(errorFromStatus(create(StatusSchema, { code }))?.code).toBe(code);
  });

  it.each([-1, 17, 99, 2 ** 31 - 1])("takes code %i, which gRPC does not define, for Unknown", (code) => {
    expect(errorFromStatus(create(StatusSchema, { code, message: "x" }))).toMatchObject({
      code: Code.Unknown,
      message: "x",
    });
  });

  it("takes the reason of the first ErrorInfo of our domain only", () => {
    const details = [
      errorInfo("FOREIGN", "example.com"),
      errorInfo("OURS", "quorate"),
      errorInfo("LATER", "quorate"),
    ];
    expect(errorFromStatus(create(StatusSchema, { code: 3, details }))?.reason).toBe("OURS");
  });

  it.each(broken)("is not disturbed by a detail that is %s", (_, detail) => {
    const details = [detail, errorInfo("OURS", "quorate")];
    const error = errorFromStatus(create(StatusSchema, { code: 9, details }));
    expect(error).toMatchObject({ code: Code.FailedPrecondition, reason: "OURS" });
    expect(error?.findDetails(ErrorInfoSchema)).toHaveLength(1);
    expect(error?.details).toEqual(details);
  });
});

describe("encodeStatus", () => {
  it("is the protobuf encoding of google.rpc.Status", () => {
    const status = create(StatusSchema, { code: 5, message: "m", details: [duration] });
    expect(fromBinary(StatusSchema, encodeStatus(status))).toEqual(status);
  });
});
