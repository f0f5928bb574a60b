import { create, fromBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import {
  type EnvelopeBody,
  encodeBody,
  encodeCancel,
  encodeEnd,
  encodeEnvelope,
} from "../../internal/wire/encode-envelope.js";
import type { Envelope } from "../../internal/wire/envelope.js";
import { StatusSchema } from "../../internal/wire/gen/google/rpc/status_pb.js";
import { MessageSchema } from "../../internal/wire/gen/stream/stream_pb.js";
import { plainEnvelope } from "./oracle.js";

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const nothing: Envelope = {
  number: 0,
  serverInitiated: false,
  method: "",
  status: undefined,
  entries: [],
  payload: new Uint8Array(0),
  timeoutMs: 0,
  cancel: false,
  end: false,
};

/** The same call in words and in bytes, written out by hand from the facts of wire.md. */
const vectors: [what: string, said: Partial<Envelope>, hex: string][] = [
  ["[F-02] nothing: zero values are left out", {}, ""],
  ["[F-05] the first call of a client", { number: 1 }, "08 01"],
  ["[F-05] call 127, the last of one byte", { number: 127 }, "08 7f"],
  ["[F-05] call 128, the first of two bytes", { number: 128 }, "08 80 01"],
  ["[F-05] call 300", { number: 300 }, "08 ac 02"],
  ["[F-05] call 2^32", { number: 2 ** 32 }, "08 80 80 80 80 10"],
  ["[F-05] call 2^53-1, the last", { number: 2 ** 53 - 1 }, "08 ff ff ff ff ff ff ff 0f"],
  [
    "[F-06] the first call of a server: 0x8000000000000001 in ten bytes",
    { number: 1, serverInitiated: true },
    "08 81 80 80 80 80 80 80 80 80 01",
  ],
  ["[F-06] call 300 of a server", { number: 300, serverInitiated: true }, "08 ac 82 80 80 80 80 80 80 80 01"],
  [
    "[F-06, J-02] call 2^53-1 of a server",
    { number: 2 ** 53 - 1, serverInitiated: true },
    "08 ff ff ff ff ff ff ff 8f 80 01",
  ],
  [
    "[F-06, J-02] call 2^53-2 of a server",
    { number: 2 ** 53 - 2, serverInitiated: true },
    "08 fe ff ff ff ff ff ff 8f 80 01",
  ],
  [
    "[F-02, F-03] a request with an entry and a payload",
    {
      number: 1,
      method: "mock.MockService.Test",
      entries: [{ key: "id", value: "1" }],
      payload: bytesOf("0a 01 78"),
    },
    "08 01  12 15 6d6f636b2e4d6f636b536572766963652e54657374  22 07 0a 02 6964 12 01 31  2a 03 0a 01 78",
  ],
  [
    "[F-02] an entry with an empty value, and one with nothing",
    {
      entries: [
        { key: "k", value: "" },
        { key: "", value: "" },
      ],
    },
    "22 03 0a 01 6b  22 00",
  ],
  [
    "[F-02, F-11] a reply of code 12, with a detail",
    {
      number: 2,
      method: "a.B",
      status: create(StatusSchema, {
        code: 12,
        message: "no",
        details: [create(AnySchema, { typeUrl: "t/a", value: bytesOf("01") })],
      }),
    },
    "08 02  12 03 61 2e 42  1a 10 08 0c 12 02 6e 6f 1a 08 0a 03 74 2f 61 12 01 01",
  ],
  ["[F-11] a status of code 0", { status: create(StatusSchema) }, "1a 00"],
  [
    "[F-02] a negative status code, in ten bytes",
    { status: create(StatusSchema, { code: -1 }) },
    "1a 0b 08 ff ff ff ff ff ff ff ff ff 01",
  ],
  ["30,000 ms left", { number: 1, timeoutMs: 30_000 }, "08 01  80 01 b0 ea 01"],
  ["2^32-1 ms left", { timeoutMs: 2 ** 32 - 1 }, "80 01 ff ff ff ff 0f"],
  ["text beyond ASCII", { method: "é🦆" }, "12 06 c3 a9 f0 9f a6 86"],
];

describe("the bytes of an envelope", () => {
  it.each(vectors)("%s", (_, said, hex) => {
    const { number, serverInitiated, timeoutMs, ...body } = { ...nothing, ...said };
    expect(hexOf(encodeEnvelope(number, serverInitiated, encodeBody(body), timeoutMs))).toBe(
      hex.replaceAll(" ", ""),
    );
    expect(plainEnvelope(decodeEnvelope(bytesOf(hex)))).toEqual(plainEnvelope({ ...nothing, ...said }));
  });

  it.each<[what: string, number: number, serverInitiated: boolean, hex: string]>([
    ["a client's", 5, false, "08 05  88 01 01"],
    ["a server's", 5, true, "08 85 80 80 80 80 80 80 80 80 01  88 01 01"],
  ])("the cancel of %s call", (_, number, serverInitiated, hex) => {
    expect(hexOf(encodeCancel(number, serverInitiated))).toBe(hex.replaceAll(" ", ""));
    expect(decodeEnvelope(bytesOf(hex))).toEqual({ ...nothing, number, serverInitiated, cancel: true });
  });

  it.each<[what: string, number: number, serverInitiated: boolean, hex: string]>([
    ["a client's", 5, false, "08 05  90 01 01"],
    ["a server's", 5, true, "08 85 80 80 80 80 80 80 80 80 01  90 01 01"],
  ])("the end of the replies to %s call", (_, number, serverInitiated, hex) => {
    expect(hexOf(encodeEnd(number, serverInitiated))).toBe(hex.replaceAll(" ", ""));
    expect(decodeEnvelope(bytesOf(hex))).toEqual({ ...nothing, number, serverInitiated, end: true });
  });

  it("[F-06] are a uint64 with the high bit to who reads them with bigints", () => {
    const bytes = encodeEnvelope(1, true, new Uint8Array(0));
    expect(fromBinary(MessageSchema, bytes).messageSeqNo).toBe(9_223_372_036_854_775_809n);
  });

  it("[F-02] a body without entries, payload and status is its method", () => {
    const body: EnvelopeBody = { method: "m" };
    expect(hexOf(encodeBody(body))).toBe("12016d");
  });
});
