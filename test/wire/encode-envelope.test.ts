import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import {
  encodeBody,
  encodeCancel,
  encodeEnd,
  encodeEnvelope,
  envelopeSize,
} from "../../internal/wire/encode-envelope.js";
import { MessageSchema } from "../../internal/wire/gen/stream/stream_pb.js";
import { callNumbers, envelopes, messageInit } from "./arbitrary-envelopes.js";
import { plainEnvelope } from "./oracle.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("encodeEnvelope", () => {
  it("writes the very bytes that protobuf-es writes", () => {
    fc.assert(
      fc.property(envelopes, (parts) => {
        const { number, serverInitiated, timeoutMs } = parts;
        const bytes = encodeEnvelope(number, serverInitiated, encodeBody(parts), timeoutMs);
        expect(hex(bytes)).toBe(hex(toBinary(MessageSchema, create(MessageSchema, messageInit(parts)))));
      }),
      { numRuns: 500 },
    );
  });

  it("writes what decodeEnvelope reads", () => {
    fc.assert(
      fc.property(envelopes, (parts) => {
        const { number, serverInitiated, timeoutMs } = parts;
        const bytes = encodeEnvelope(number, serverInitiated, encodeBody(parts), timeoutMs);
        expect(plainEnvelope(decodeEnvelope(bytes))).toEqual(
          plainEnvelope({ ...parts, cancel: false, end: false }),
        );
      }),
      { numRuns: 300 },
    );
  });

  it("has the size that envelopeSize tells", () => {
    fc.assert(
      fc.property(envelopes, (parts) => {
        const { number, serverInitiated, timeoutMs } = parts;
        const body = encodeBody(parts);
        const bytes = encodeEnvelope(number, serverInitiated, body, timeoutMs);
        expect(envelopeSize(number, serverInitiated, body, timeoutMs)).toBe(bytes.length);
      }),
      { numRuns: 300 },
    );
  });

  it("leaves the body as it was, which other streams share", () => {
    const body = encodeBody({ method: "a.B.C", payload: Uint8Array.of(1, 2, 3) });
    const before = hex(body);
    const first = encodeEnvelope(1, false, body, 500);
    const second = encodeEnvelope(2, true, body);
    expect(hex(body)).toBe(before);
    expect(decodeEnvelope(first)).toMatchObject({ number: 1, serverInitiated: false, timeoutMs: 500 });
    expect(decodeEnvelope(second)).toMatchObject({ number: 2, serverInitiated: true, timeoutMs: 0 });
  });

  it("copies the payload, so that the caller may go on using its bytes", () => {
    const payload = Uint8Array.of(1, 2, 3);
    const body = encodeBody({ method: "a.B.C", payload });
    payload.fill(9);
    expect([...decodeEnvelope(body).payload]).toEqual([1, 2, 3]);
  });

  it("puts the replacement character where text has a lone surrogate, and keeps the rest readable", () => {
    const bytes = encodeBody({ method: "a\uD800b", entries: [{ key: "\uDFFF", value: "v" }] });
    expect(fromBinary(MessageSchema, bytes)).toMatchObject({
      method: "a\uFFFDb",
      entry: [{ key: "\uFFFD", value: "v" }],
    });
  });
});

describe("encodeCancel", () => {
  it("carries the number and the mark, and nothing else", () => {
    fc.assert(
      fc.property(callNumbers, fc.boolean(), (number, serverInitiated) => {
        const none = { method: "", status: undefined, entries: [], payload: new Uint8Array(0), timeoutMs: 0 };
        const expected = create(
          MessageSchema,
          messageInit({ number, serverInitiated, ...none }, { cancel: true }),
        );
        const bytes = encodeCancel(number, serverInitiated);
        expect(hex(bytes)).toBe(hex(toBinary(MessageSchema, expected)));
        expect(decodeEnvelope(bytes)).toEqual({ number, serverInitiated, ...none, cancel: true, end: false });
      }),
      { numRuns: 200 },
    );
  });
});

describe("encodeEnd", () => {
  it("carries the number and the mark, and nothing else", () => {
    fc.assert(
      fc.property(callNumbers, fc.boolean(), (number, serverInitiated) => {
        const none = { method: "", status: undefined, entries: [], payload: new Uint8Array(0), timeoutMs: 0 };
        const expected = create(
          MessageSchema,
          messageInit({ number, serverInitiated, ...none }, { end: true }),
        );
        const bytes = encodeEnd(number, serverInitiated);
        expect(hex(bytes)).toBe(hex(toBinary(MessageSchema, expected)));
        expect(decodeEnvelope(bytes)).toEqual({ number, serverInitiated, ...none, cancel: false, end: true });
      }),
      { numRuns: 200 },
    );
  });
});
