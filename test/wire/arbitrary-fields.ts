import { toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { StatusSchema } from "../../internal/wire/gen/google/rpc/status_pb.js";
import { byteStrings, callNumbers, statuses, texts, uint32s } from "./arbitrary-envelopes.js";

const highBit = 1n << 63n;
const utf8 = new TextEncoder();

/** A varint, with `padding` bytes more than it needs. */
export function varint(value: bigint | number, padding = 0): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  for (let left = padding; left > 0; left--) {
    bytes.push((bytes.pop() ?? 0) | 0x80, 0);
  }
  return bytes;
}

export function tag(field: number, wireType: number, padding = 0): number[] {
  return varint(field * 8 + wireType, padding);
}

export function delimited(field: number, content: ArrayLike<number>, padding = 0): number[] {
  return [...tag(field, 2), ...varint(content.length, padding), ...Array.from(content)];
}

/** Mostly none, else so many that a varint is longer than need be but has no more than ten bytes. */
const paddings = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 5 }));

const numbers = fc.tuple(callNumbers, fc.boolean(), paddings).map(([number, serverInitiated, padding]) => {
  const value = BigInt(number) | (serverInitiated ? highBit : 0n);
  return [...tag(1, 0), ...varint(value, Math.min(padding, 10 - varint(value).length))];
});
const methods = fc.tuple(texts, paddings).map(([text, padding]) => delimited(2, utf8.encode(text), padding));
const statusFields = fc
  .tuple(statuses, paddings)
  .map(([status, padding]) => delimited(3, toBinary(StatusSchema, status), padding));
const entryFields = fc
  .array(fc.tuple(fc.constantFrom(1, 2), texts, paddings), { maxLength: 4 })
  .map((parts) =>
    delimited(
      4,
      parts.flatMap(([field, text, padding]) => delimited(field, utf8.encode(text), padding)),
    ),
  );
const payloads = fc.tuple(byteStrings, paddings).map(([bytes, padding]) => delimited(5, bytes, padding));
const timeouts = fc
  .tuple(uint32s, paddings)
  .map(([value, padding]) => [...tag(16, 0), ...varint(value, padding)]);
const flags = fc
  .tuple(
    fc.constantFrom(17, 18),
    fc.oneof(fc.constantFrom(0n, 1n, 2n, 1n << 40n, highBit), fc.bigInt(0n, (1n << 64n) - 1n)),
    paddings,
  )
  .map(([field, value, padding]) => [
    ...tag(field, 0),
    ...varint(value, Math.min(padding, 10 - varint(value).length)),
  ]);

/** One field of the envelope as some encoder may write it: zero values, padded lengths, split entries. */
export const knownFields: fc.Arbitrary<number[]> = fc.oneof(
  numbers,
  methods,
  statusFields,
  entryFields,
  payloads,
  timeouts,
  flags,
);

/** A field of every wire type, groups in groups included, under a number that the message may have or not. */
export function fieldsNumbered(fieldNumbers: fc.Arbitrary<number>): fc.Arbitrary<number[]> {
  const { field } = fc.letrec<{ field: number[] }>((tie) => ({
    field: fc.oneof(
      { maxDepth: 4 },
      fc
        .tuple(fieldNumbers, fc.bigInt(0n, (1n << 64n) - 1n))
        .map(([number, value]) => [...tag(number, 0), ...varint(value)]),
      fc
        .tuple(fieldNumbers, fc.uint8Array({ minLength: 8, maxLength: 8 }))
        .map(([number, bytes]) => [...tag(number, 1), ...bytes]),
      fc.tuple(fieldNumbers, byteStrings).map(([number, bytes]) => delimited(number, bytes)),
      fc
        .tuple(fieldNumbers, fc.uint8Array({ minLength: 4, maxLength: 4 }))
        .map(([number, bytes]) => [...tag(number, 5), ...bytes]),
      fc
        .tuple(fieldNumbers, fc.array(tie("field"), { maxLength: 3 }))
        .map(([number, fields]) => [...tag(number, 3), ...fields.flat(), ...tag(number, 4)]),
    ),
  }));
  return field;
}

export const unknownFields: fc.Arbitrary<number[]> = fieldsNumbered(
  fc.constantFrom(6, 7, 15, 19, 100, 19_000, 2 ** 29 - 1),
);

/** The numbers of the envelope's fields under any wire type, right or wrong. */
export const mistypedFields: fc.Arbitrary<number[]> = fieldsNumbered(
  fc.constantFrom(1, 2, 3, 4, 5, 16, 17, 18),
);

/** Whole fields in any order, any of them any number of times. */
export function sequences(...kinds: fc.Arbitrary<number[]>[]): fc.Arbitrary<Uint8Array> {
  return fc.array(fc.oneof(...kinds), { maxLength: 8 }).map((fields) => Uint8Array.from(fields.flat()));
}
