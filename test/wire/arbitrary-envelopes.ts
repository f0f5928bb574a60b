import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import { type Status, StatusSchema } from "../../internal/wire/gen/google/rpc/status_pb.js";
import type { MessageSchema } from "../../internal/wire/gen/stream/stream_pb.js";
import type { MetadataEntry } from "../../internal/wire/metadata.js";

/** What an envelope says, in the terms of the hand-written codec. */
export interface EnvelopeParts {
  readonly number: number;
  readonly serverInitiated: boolean;
  readonly method: string;
  readonly status: Status | undefined;
  readonly entries: readonly MetadataEntry[];
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
}

/** Call numbers, those at the edges of a varint group among them. */
export const callNumbers: fc.Arbitrary<number> = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc
    .tuple(fc.integer({ min: 1, max: 53 }), fc.integer({ min: -2, max: 1 }))
    .map(([bits, offset]) => Math.min(Math.max(2 ** bits + offset, 0), Number.MAX_SAFE_INTEGER)),
);

/** Well-formed text: short and long, ASCII and not, with a byte-order mark, around the lengths of a fast path. */
export const texts: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.string({ unit: "grapheme", maxLength: 10 }).map((text) => `\uFEFF${text}`),
  fc
    .tuple(fc.integer({ min: 120, max: 140 }), fc.constantFrom("", "é", "🦆"))
    .map(([length, tail]) => "a".repeat(length) + tail),
);

/** Bytes, empty and around the lengths at which their own length takes one byte more. */
export const byteStrings: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(127, 128, 129, 16_383, 16_384).map((length) => new Uint8Array(length).fill(0x5a)),
);

export const uint32s: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1),
  fc.nat(0xffffffff),
);

export const anys: fc.Arbitrary<Any> = fc
  .record({ typeUrl: texts, value: byteStrings })
  .map((any) => create(AnySchema, any));

export const statuses: fc.Arbitrary<Status> = fc
  .record({
    code: fc.oneof(fc.integer({ min: 0, max: 16 }), fc.integer()),
    message: texts,
    details: fc.array(anys, { maxLength: 3 }),
  })
  .map((status) => create(StatusSchema, status));

export const entryLists: fc.Arbitrary<MetadataEntry[]> = fc.array(fc.record({ key: texts, value: texts }), {
  maxLength: 4,
});

export const envelopes: fc.Arbitrary<EnvelopeParts> = fc.record({
  number: callNumbers,
  serverInitiated: fc.boolean(),
  method: texts,
  status: fc.option(statuses, { nil: undefined }),
  entries: entryLists,
  payload: byteStrings,
  timeoutMs: uint32s,
});

/** The same in the terms of protobuf-es. */
export function messageInit(
  parts: EnvelopeParts,
  { cancel = false, end = false }: { readonly cancel?: boolean; readonly end?: boolean } = {},
): MessageInitShape<typeof MessageSchema> {
  const { number, serverInitiated, method, status, entries, payload, timeoutMs } = parts;
  return {
    messageSeqNo: BigInt(number) | (serverInitiated ? 1n << 63n : 0n),
    method,
    ...(status === undefined ? {} : { status }),
    entry: entries.map(({ key, value }) => ({ key, value })),
    payload,
    timeoutMs,
    cancel,
    end,
  };
}
