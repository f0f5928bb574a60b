import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { encodeBody } from "../../internal/wire/encode-envelope.js";
import { Metadata, type MetadataInit } from "../../internal/wire/metadata.js";

const thrownBy = (task: () => unknown): unknown => {
  try {
    task();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("Metadata.from", () => {
  it.each<[what: string, init: MetadataInit | undefined, pairs: [string, string][]]>([
    ["undefined", undefined, []],
    ["an empty object", {}, []],
    [
      "an object",
      { a: "1", b: "2" },
      [
        ["a", "1"],
        ["b", "2"],
      ],
    ],
    [
      "an object with several values",
      { a: ["2", "1"], b: [] },
      [
        ["a", "2"],
        ["a", "1"],
      ],
    ],
    [
      "pairs",
      [
        ["b", "1"],
        ["a", "2"],
        ["b", "3"],
      ],
      [
        ["b", "1"],
        ["a", "2"],
        ["b", "3"],
      ],
    ],
    ["a map", new Map([["k", "v"]]), [["k", "v"]]],
    [
      "duplicates, which all stay",
      [
        ["k", "v"],
        ["k", "v"],
      ],
      [
        ["k", "v"],
        ["k", "v"],
      ],
    ],
    [
      "keys in any case",
      { "X-User": "Ann", ÄÖ: "u" },
      [
        ["x-user", "Ann"],
        ["äö", "u"],
      ],
    ],
    [
      "keys that differ in case only",
      [
        ["K", "1"],
        ["k", "2"],
      ],
      [
        ["k", "1"],
        ["k", "2"],
      ],
    ],
    ["an empty value", { k: "" }, [["k", ""]]],
    [
      "a key that every object has",
      { constructor: "c", toString: "t" },
      [
        ["constructor", "c"],
        ["tostring", "t"],
      ],
    ],
  ])("takes %s", (_, init, pairs) => {
    const metadata = Metadata.from(init);
    expect([...metadata]).toEqual(pairs);
    expect(metadata.size).toBe(pairs.length);
    expect(metadata.entries()).toEqual(pairs.map(([key, value]) => ({ key, value })));
  });

  it("takes metadata as it is", () => {
    const metadata = Metadata.from({ a: "1" });
    expect(Metadata.from(metadata)).toBe(metadata);
  });

  it.each<[what: string, init: unknown, said: RegExp]>([
    ["an empty key", { "": "v" }, /metadata key ""/],
    ["a key with a lone surrogate", { "a\uD800": "v" }, /metadata key "a/],
    ["a key that is no text", [[5, "v"]], /metadata key 5/],
    ["a value with a lone surrogate", { k: "\uDC00v" }, /value of "k"/],
    ["surrogates in the wrong order", { k: "\uDC00\uD800" }, /value of "k"/],
    ["one bad value of several", { k: ["fine", "\uD800"] }, /value of "k"/],
    ["undefined", { k: undefined }, /value of "k"/],
    ["a number", { k: 5 }, /value of "k"/],
    ["bytes", { k: Uint8Array.of(1, 2) }, /value of "k".*base64/],
    ["a list with a number", { k: ["1", 2] }, /value of "k"/],
    ["a pair without value", [["k"]], /value of "k"/],
  ])("refuses %s and names it", (_, init, said) => {
    const error = thrownBy(() => Metadata.from(init as MetadataInit));
    expect(error).toBeInstanceOf(QuorateError);
    expect(error).toMatchObject({ code: Code.InvalidArgument, message: expect.stringMatching(said) });
  });

  it("does not change with what it was made of", () => {
    const values = ["1"];
    const metadata = Metadata.from({ k: values });
    values.push("2");
    expect(metadata.getAll("k")).toEqual(["1"]);
  });
});

describe("Metadata", () => {
  const metadata = Metadata.from([
    ["a", "1"],
    ["b", "2"],
    ["A", "3"],
  ]);

  it("finds keys in any case: the first value, all values, whether there is one", () => {
    expect([metadata.get("A"), metadata.get("b"), metadata.get("c")]).toEqual(["1", "2", undefined]);
    expect([metadata.getAll("A"), metadata.getAll("c")]).toEqual([["1", "3"], []]);
    expect([metadata.has("B"), metadata.has("c"), Metadata.from({ e: "" }).has("e")]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it("[MD-05] keeps both values of a key when joined, its own first", () => {
    const stream = Metadata.from({ id: "stream", only: "s" });
    const joined = stream.join({ ID: "call", more: "c" });
    expect([...joined]).toEqual([
      ["id", "stream"],
      ["only", "s"],
      ["id", "call"],
      ["more", "c"],
    ]);
    expect(joined.get("id")).toBe("stream");
    expect([...stream]).toEqual([
      ["id", "stream"],
      ["only", "s"],
    ]);
  });

  it.each<[what: string, other: MetadataInit | undefined]>([
    ["undefined", undefined],
    ["nothing", {}],
    ["empty metadata", Metadata.empty],
  ])("joined with %s is what it was", (_, other) => {
    expect(metadata.join(other)).toBe(metadata);
    expect([...Metadata.empty.join(metadata)]).toEqual([...metadata]);
  });

  it("checks what it is joined with", () => {
    expect(thrownBy(() => metadata.join({ k: "\uD800" }))).toMatchObject({ code: Code.InvalidArgument });
  });

  it("[F-19] folds the keys of a message that was read", () => {
    expect([
      ...Metadata.fromEntries([
        { key: "X-Id", value: "A" },
        { key: "x-id", value: "B" },
      ]),
    ]).toEqual([
      ["x-id", "A"],
      ["x-id", "B"],
    ]);
    expect(Metadata.fromEntries([])).toBe(Metadata.empty);
  });

  it.each([
    "line\nbreak\r\n",
    "nul\0",
    "🦆 émoji",
    "\uFEFFmark",
    " blanks ",
    "a,b",
    "",
    "\u007F\u0080",
    "x".repeat(70_000),
  ])("[J-16] carries %j as key and value through an envelope", (text) => {
    const sent = Metadata.from([[`k${text}`, text]]);
    const read = Metadata.fromEntries(
      decodeEnvelope(encodeBody({ method: "m", entries: sent.entries() })).entries,
    );
    expect([...read]).toEqual([[`k${text}`, text]]);
  });

  it("[J-16, F-20] carries any well-formed text through an envelope", () => {
    const text = fc.string({ unit: "binary", maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            text.filter((key) => key !== ""),
            text,
          ),
          { maxLength: 5 },
        ),
        (pairs) => {
          const sent = Metadata.from(pairs);
          const { entries } = decodeEnvelope(encodeBody({ method: "m", entries: sent.entries() }));
          expect([...Metadata.fromEntries(entries)]).toEqual(
            pairs.map(([key, value]) => [key.toLowerCase(), value]),
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});
