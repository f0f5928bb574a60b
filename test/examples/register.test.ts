import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  ReadResponseSchema,
  type WriteRequest,
  WriteRequestSchema,
} from "../../examples/storage/gen/storage/v1/storage_pb.js";
import { createRegister, newest } from "../../examples/storage/service/register.js";

type Time = { readonly seconds: bigint; readonly nanos: number };

const at = (seconds: number, nanos = 0): Time => ({ seconds: BigInt(seconds), nanos });

const write = (init: MessageInitShape<typeof WriteRequestSchema>): WriteRequest =>
  create(WriteRequestSchema, init);

/** Two times, the first before the second. */
const pairs = [
  { what: "seconds", older: at(1), newer: at(2) },
  { what: "nanoseconds within a second", older: at(1, 1), newer: at(1, 2) },
  { what: "nanoseconds within a millisecond", older: at(1, 500_000), newer: at(1, 500_001) },
  { what: "a nanosecond between two seconds", older: at(1, 999_999_999), newer: at(2) },
  { what: "seconds, against the nanoseconds", older: at(1, 900_000_000), newer: at(2, 100_000_000) },
  { what: "seconds before 1970", older: at(-2, 900_000_000), newer: at(-1) },
  { what: "nanoseconds at the end of time", older: at(253_402_300_799), newer: at(253_402_300_799, 1) },
];

describe("a register", () => {
  it.each(pairs)("[RE-14] does not replace a value by an older one: $what", ({ older, newer }) => {
    const register = createRegister();
    expect(register.write(write({ key: "k", value: "new", time: newer }))).toBe(true);
    expect(register.write(write({ key: "k", value: "old", time: older }))).toBe(false);
    expect(register.read("k")).toMatchObject({ value: "new", time: newer });
  });

  it.each(pairs)("[RE-14] replaces a value by a newer one: $what", ({ older, newer }) => {
    const register = createRegister();
    register.write(write({ key: "k", value: "old", time: older }));
    expect(register.write(write({ key: "k", value: "new", time: newer }))).toBe(true);
    expect(register.read("k")).toMatchObject({ value: "new", time: newer });
  });

  it("[RE-14] replaces a value by one of the same time", () => {
    const register = createRegister();
    register.write(write({ key: "k", value: "first", time: at(5, 7) }));
    expect(register.write(write({ key: "k", value: "second", time: at(5, 7) }))).toBe(true);
    expect(register.read("k")).toMatchObject({ value: "second" });
  });

  it("does not take a value without a time", () => {
    const register = createRegister();
    expect(register.write(write({ key: "k", value: "v" }))).toBe(false);
    expect(register.read("k")).toEqual({});
  });

  it("has nothing for a key that was never written, and keeps keys apart", () => {
    const register = createRegister();
    register.write(write({ key: "a", value: "1", time: at(2) }));
    register.write(write({ key: "b", value: "2", time: at(1) }));
    expect(register.read("a")).toMatchObject({ value: "1" });
    expect(register.read("b")).toMatchObject({ value: "2" });
    expect(register.read("c")).toEqual({});
    // A key may have the name of what every object has.
    expect(register.read("constructor")).toEqual({});
  });
});

describe("newest", () => {
  const reply = (value: string, time?: Time) =>
    create(ReadResponseSchema, time === undefined ? { value } : { value, time });

  it.each(pairs)(
    "[RE-05] picks the reply with the newest time, wherever it stands: $what",
    ({ older, newer }) => {
      const replies = [reply("old", older), reply("new", newer), reply("never written")];
      for (const first of [0, 1, 2]) {
        const turned = [...replies.slice(first), ...replies.slice(0, first)];
        expect(newest(turned).value).toBe("new");
        expect(newest(turned.toReversed()).value).toBe("new");
      }
    },
  );

  it("[RE-05] picks the reply of a server that has the key, against any that do not", () => {
    expect(newest([reply(""), reply("v", at(0)), reply("")]).value).toBe("v");
  });

  it("picks any reply if no server has the key", () => {
    expect(newest([reply(""), reply("")])).toEqual(create(ReadResponseSchema));
  });
});
