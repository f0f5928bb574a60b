import { create, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { ListValueSchema, StructSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { assert, property, string, uniqueArray } from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeMessage } from "../../../src/service/message-codec.js";
import { withSortedMaps } from "../../../src/sessions/server/sorted-maps.js";
import { ValueSchema as TextSchema } from "../../gen/register/v1/register_pb.js";

const text = (value: string) => create(ValueSchema, { kind: { case: "stringValue", value } });
const encoded = (keys: readonly string[]) => {
  const fields = Object.fromEntries(keys.map((key) => [key, text(key)]));
  return encodeMessage(StructSchema, withSortedMaps(StructSchema, { fields }));
};

describe("withSortedMaps", () => {
  it("gives maps with the same entries the same bytes, in whatever order they were set", () => {
    expect(encodeMessage(StructSchema, { fields: { a: text("a"), b: text("b") } })).not.toEqual(
      encodeMessage(StructSchema, { fields: { b: text("b"), a: text("a") } }),
    );
    assert(
      property(uniqueArray(string(), { minLength: 1, maxLength: 12 }), (keys) => {
        expect(encoded(keys.toReversed())).toEqual(encoded(keys));
        const back = fromBinary(StructSchema, encoded(keys));
        expect(Object.keys(back.fields).sort()).toEqual([...keys].sort());
      }),
    );
  });

  it("sorts maps in messages, lists and maps within", () => {
    const bytes = (value: JsonValue) =>
      encodeMessage(
        ListValueSchema,
        withSortedMaps(ListValueSchema, fromJson(ListValueSchema, [value, [value]])),
      );
    const one = { b: { y: 1, x: [{ q: 1, p: 2 }] }, a: true };
    const two = { a: true, b: { x: [{ p: 2, q: 1 }], y: 1 } };
    expect(toBinary(ListValueSchema, fromJson(ListValueSchema, [one]))).not.toEqual(
      toBinary(ListValueSchema, fromJson(ListValueSchema, [two])),
    );
    expect(bytes(one)).toEqual(bytes(two));
    expect(toJson(ListValueSchema, fromBinary(ListValueSchema, bytes(one)))).toEqual([one, [one]]);
  });

  it("does not change what it was given, keeps unknown fields, and copies nothing where there is no map", () => {
    const given = create(StructSchema, { fields: { b: text("b"), a: text("a") } });
    given.$unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(1) }];
    const sorted = withSortedMaps(StructSchema, given);
    expect(Object.keys(given.fields)).toEqual(["b", "a"]);
    expect(encodeMessage(StructSchema, sorted)).toHaveLength(toBinary(StructSchema, given).length);
    const plain = create(TextSchema, { value: "x" });
    expect(withSortedMaps(TextSchema, plain)).toBe(plain);
  });
});
