import { create, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
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
import { expectMalformed, expectSameAsProtobuf, within } from "./oracle.js";

const valid = fc.oneof(
  envelopes.map((parts) =>
    toBinary(MessageSchema, create(MessageSchema, messageInit(parts, { cancel: true, end: true }))),
  ),
  sequences(knownFields, unknownFields, mistypedFields),
);
const times = (count: number, bytes: number[]) => Array.from({ length: count }, () => bytes).flat();
const nested = (depth: number, field: number) => [
  ...times(depth, tag(field, 3)),
  ...times(depth, tag(field, 4)),
];

describe("decodeEnvelope of damaged bytes", () => {
  it("agrees with protobuf-es at every cut", () => {
    const seen = new Set<boolean>();
    fc.assert(
      fc.property(valid, (bytes) => {
        within(10_000, () => {
          // All of a short envelope; of a long payload only the ends, which differ.
          for (let end = 0; end < bytes.length; end++) {
            if (end < 150 || end > bytes.length - 20) seen.add(expectSameAsProtobuf(bytes.subarray(0, end)));
          }
        });
      }),
      { numRuns: 40 },
    );
    expect(seen).toEqual(new Set([true, false]));
  });

  it("agrees with protobuf-es after any change of some bytes", () => {
    const changes = fc.array(
      fc.record({
        kind: fc.constantFrom("set", "insert", "remove"),
        at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        byte: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
      }),
      { minLength: 1, maxLength: 4 },
    );
    const seen = new Set<boolean>();
    fc.assert(
      fc.property(valid, changes, (bytes, list) => {
        const changed = [...bytes];
        for (const { kind, at, byte } of list) {
          const index = Math.floor(at * Math.min(changed.length, 200));
          changed.splice(index, kind === "insert" ? 0 : 1, ...(kind === "remove" ? [] : [byte]));
        }
        seen.add(within(10_000, () => expectSameAsProtobuf(Uint8Array.from(changed))));
      }),
      { numRuns: 700 },
    );
    expect(seen).toEqual(new Set([true, false]));
  });

  it("agrees with protobuf-es on random bytes", () => {
    const likely = fc.constantFrom(0x08, 0x12, 0x1a, 0x22, 0x2a, 0x80, 0x88, 0x01, 0x00, 0x0a, 0x02, 0xff);
    const bytes = fc.array(fc.oneof(likely, fc.nat(255)), { maxLength: 24 });
    const seen = new Set<boolean>();
    fc.assert(
      fc.property(bytes, (list) => {
        seen.add(within(10_000, () => expectSameAsProtobuf(Uint8Array.from(list))));
      }),
      { numRuns: 2_000 },
    );
    expect(seen).toEqual(new Set([true, false]));
  });

  it.each<[what: string, bytes: number[]]>([
    ["field number 0", [0x00, 0x00]],
    ["a wire type that there is not", [0x0f]],
    ["a tag of more than 32 bits", [0x88, 0x80, 0x80, 0x80, 0x10, 0x01]],
    ["the end of a group that never began", tag(9, 4)],
    ["a group that never ends", tag(9, 3)],
    ["a group that another number ends", [...tag(9, 3), ...tag(10, 4)]],
    ["a varint of eleven bytes", [0x08, ...times(10, [0x80]), 0x01]],
    ["a varint that never ends", [0x08, ...times(9, [0xff])]],
    ["a length beyond the end", [0x12, 0x05, 0x61]],
    ["a length of 4 GiB", [0x2a, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ["a method that is not UTF-8", delimited(2, [0xff])],
    ["a method of surrogates", delimited(2, [0xed, 0xa0, 0x80])],
    ["an entry key that is not UTF-8", delimited(4, delimited(1, [0xc0, 0x80]))],
    ["a status text that is not UTF-8", delimited(3, delimited(2, [0xff]))],
    ["a long text whose last byte is not UTF-8", delimited(2, [...times(200, [0x61]), 0xff])],
    ["call number 2^53", [0x08, ...varint(2n ** 53n)]],
    ["call number 2^53 with the high bit", [0x08, ...varint((2n ** 53n) | (1n << 63n))]],
    ["call number 2^63-1", [0x08, ...varint((1n << 63n) - 1n)]],
    ["call number 2^64-1", [0x08, ...varint((1n << 64n) - 1n)]],
    ["groups of 10,000 levels", nested(10_000, 9)],
    ["groups in a status one level deeper than protobuf-es goes", delimited(3, nested(99, 9))],
  ])("refuses %s", (_, bytes) => {
    expect(expectSameAsProtobuf(Uint8Array.from(bytes))).toBe(false);
  });

  it.each<[what: string, bytes: number[]]>([
    ["call number 2^53 followed by a usable one", [0x08, ...varint(2n ** 53n), 0x08, 0x01]],
    ["groups of as many levels as protobuf-es takes", nested(99, 9)],
    ["groups in a status of as many levels as protobuf-es takes", delimited(3, nested(98, 9))],
    ["a tenth varint byte of more than one bit", [0x08, ...times(9, [0x80]), 0x03]],
    ["a length of ten bytes", [0x12, 0x81, ...times(8, [0x80]), 0x00, 0x61]],
  ])("reads %s as protobuf-es does", (_, bytes) => {
    expect(expectSameAsProtobuf(Uint8Array.from(bytes))).toBe(true);
  });

  it("says how long the bytes were and what was wrong, with the error of protobuf-es as cause", () => {
    const decode = () => decodeEnvelope(Uint8Array.of(0x12, 0x05, 0x61));
    expect(decode).toThrow(QuorateError);
    expect(decode).toThrow(
      expect.objectContaining({
        message: "malformed envelope (3 bytes): premature EOF",
        cause: expect.any(RangeError),
      }),
    );
    expectMalformed(Uint8Array.of(0x12, 0x05, 0x61));
  });

  it.each<[what: string, bytes: number[]]>([
    ["many empty entries", times(100_000, [0x22, 0x00])],
    ["many statuses to merge", times(50_000, [0x1a, 0x00])],
    ["many numbers", times(50_000, [0x08, ...varint(2n ** 63n + 7n)])],
    ["many unknown groups", times(20_000, nested(10, 9))],
    [
      "many texts, the last of them broken",
      [...times(50_000, delimited(2, [0xc3, 0xa9])), ...delimited(2, [0xff])],
    ],
  ])("takes time in proportion to the bytes for %s", (_, bytes) => {
    const input = Uint8Array.from(bytes);
    expect(within(10_000, () => expectSameAsProtobuf(input))).toBeTypeOf("boolean");
  });
});
