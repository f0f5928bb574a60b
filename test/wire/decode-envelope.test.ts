import { create, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { encodeBody } from "../../internal/wire/encode-envelope.js";
import { MessageSchema } from "../../internal/wire/gen/stream/stream_pb.js";
import { envelopes, messageInit } from "./arbitrary-envelopes.js";
import {
  delimited,
  knownFields,
  mistypedFields,
  sequences,
  tag,
  unknownFields,
  varint,
} from "./arbitrary-fields.js";
import { expectSameAsProtobuf, plainEnvelope } from "./oracle.js";

const ascii = (text: string) => [...Buffer.from(text)];
const decodeFields = (...fields: number[][]) => decodeEnvelope(Uint8Array.from(fields.flat()));

describe("decodeEnvelope, checked against protobuf-es", () => {
  it("reads what protobuf-es wrote", () => {
    fc.assert(
      fc.property(envelopes, fc.boolean(), fc.boolean(), (parts, cancel, end) => {
        const bytes = toBinary(MessageSchema, create(MessageSchema, messageInit(parts, { cancel, end })));
        expect(plainEnvelope(decodeEnvelope(bytes))).toEqual(plainEnvelope({ ...parts, cancel, end }));
      }),
      { numRuns: 500 },
    );
  });

  it("reads the same with the fields in any order, repeated, zero or padded", () => {
    fc.assert(
      fc.property(sequences(knownFields), (bytes) => {
        expect(expectSameAsProtobuf(bytes)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it("reads the same with unknown fields of every wire type among them", () => {
    fc.assert(
      fc.property(sequences(knownFields, unknownFields), (bytes) => {
        expect(expectSameAsProtobuf(bytes)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("reads or refuses the same where a field has the wire type of another", () => {
    const seen = new Set<boolean>();
    fc.assert(
      fc.property(sequences(knownFields, mistypedFields), (bytes) => {
        seen.add(expectSameAsProtobuf(bytes));
      }),
      { numRuns: 500 },
    );
    expect(seen).toEqual(new Set([true, false]));
  });
});

describe("decodeEnvelope", () => {
  it("reads no bytes as an envelope of zero values", () => {
    expect(decodeEnvelope(new Uint8Array(0))).toEqual({
      number: 0,
      serverInitiated: false,
      method: "",
      status: undefined,
      entries: [],
      payload: new Uint8Array(0),
      timeoutMs: 0,
      cancel: false,
      end: false,
    });
  });

  it("gives the payload as a view of the bytes", () => {
    const bytes = Uint8Array.from(encodeBody({ method: "a.B.C", payload: Uint8Array.of(1, 2, 3) }));
    const { payload } = decodeEnvelope(bytes);
    expect(payload.buffer).toBe(bytes.buffer);
    expect(payload.byteOffset).toBe(bytes.length - 3);
  });

  it("reads bytes that lie in the middle of a larger buffer", () => {
    const body = encodeBody({ method: "a.B.C", entries: [{ key: "k", value: "é" }] });
    const around = Buffer.concat([Buffer.from([0xff, 0xff]), body, Buffer.from([0xff])]);
    expect(decodeEnvelope(around.subarray(2, 2 + body.length))).toMatchObject({
      method: "a.B.C",
      entries: [{ key: "k", value: "é" }],
    });
  });

  it("takes the last of a repeated field", () => {
    const twice = decodeFields(
      [...tag(1, 0), ...varint(5n | (1n << 63n))],
      delimited(2, ascii("first")),
      delimited(5, [1]),
      [...tag(16, 0), ...varint(10)],
      [...tag(17, 0), 1],
      [...tag(18, 0), 1],
      [...tag(1, 0), 6],
      delimited(2, ascii("last")),
      delimited(5, []),
      [...tag(16, 0), 0],
      [...tag(17, 0), 0],
      [...tag(18, 0), 0],
    );
    expect(twice).toMatchObject({
      number: 6,
      serverInitiated: false,
      method: "last",
      timeoutMs: 0,
      cancel: false,
      end: false,
    });
    expect(twice.payload).toHaveLength(0);
  });

  it("appends entries and merges statuses", () => {
    const merged = decodeFields(
      delimited(4, delimited(1, ascii("k"))),
      delimited(3, [...tag(1, 0), 5]),
      delimited(4, [...delimited(1, ascii("k")), ...delimited(2, ascii("v"))]),
      delimited(3, delimited(2, ascii("gone"))),
    );
    expect(merged.entries.map(({ key, value }) => [key, value])).toEqual([
      ["k", ""],
      ["k", "v"],
    ]);
    expect(merged.status).toMatchObject({ code: 5, message: "gone" });
  });

  it("tells a status of code 0 from an absent one", () => {
    expect(decodeFields(delimited(3, [])).status).toMatchObject({ code: 0, message: "" });
    expect(decodeFields([...tag(1, 0), 1]).status).toBeUndefined();
  });

  it("goes on reading text after it refused text that is not UTF-8", () => {
    const text = "é".repeat(100);
    expect(() => decodeFields(delimited(2, [0xc3]))).toThrow(/malformed envelope/);
    expect(decodeFields(delimited(2, [...Buffer.from(text)])).method).toBe(text);
  });

  it("keeps a byte-order mark at the start of text, each time", () => {
    const marked = delimited(2, [...Buffer.from("\uFEFFm")]);
    expect([decodeFields(marked).method, decodeFields(marked).method]).toEqual(["\uFEFFm", "\uFEFFm"]);
  });
});
