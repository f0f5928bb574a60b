import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { Metadata } from "../../internal/wire/metadata.js";
import {
  formatReadStamp,
  formatRequestStamp,
  opKey,
  readOp,
  readStamp,
  readStampKey,
  stampKey,
  withoutStamps,
} from "../../src/sessions/stamp.js";

const client = "00112233445566778899aabbccddeeff";
const badStamp = expect.objectContaining({ code: Code.InvalidArgument, reason: "BAD_STAMP" });
const of = (key: string, ...values: string[]) => Metadata.from({ [key]: values });
const stampIn = (metadata: Metadata) => readStamp(metadata.entries());
const clients = fc.stringMatching(/^[0-9a-f]{32}$/).filter((text) => text !== "0".repeat(32));
const numbers = fc.maxSafeNat();

describe("a stamp", () => {
  it("of a request stands in the metadata as it is documented", () => {
    const stamp = { client, session: 1_024, request: 7, respondedTo: 3 };
    expect(formatRequestStamp(stamp)).toBe(`${client}.1024.7.3`);
    expect(stampIn(of("quorate-session", `${client}.1024.7.3`))).toEqual({ kind: "request", ...stamp });
  });

  it("of a read has no number, but the last op that was seen", () => {
    const stamp = { client, session: 1_024, lastOp: 0 };
    expect(formatReadStamp(stamp)).toBe(`${client}.1024.0`);
    expect(stampIn(of("quorate-session-read", `${client}.1024.0`))).toEqual({ kind: "read", ...stamp });
  });

  it("is read back as it was written", () => {
    fc.assert(
      fc.property(clients, numbers, numbers, numbers, (id, a, b, c) => {
        const [respondedTo = 0, request = 0] = [b, c].sort((x, y) => x - y);
        fc.pre(a > 0 && respondedTo < request);
        const stamp = { client: id, session: a, request, respondedTo };
        expect(stampIn(of(stampKey, formatRequestStamp(stamp)))).toEqual({ kind: "request", ...stamp });
        const read = { client: id, session: a, lastOp: b };
        expect(stampIn(of(readStampKey, formatReadStamp(read)))).toEqual({ kind: "read", ...read });
      }),
    );
  });

  it("is not needed", () => {
    expect(stampIn(Metadata.from({ other: "1" }))).toEqual({ kind: "none" });
    const key = "Quorate-Session-READ";
    expect(readStamp([{ key, value: `${client}.7.0` }])).toEqual({
      kind: "read",
      client,
      session: 7,
      lastOp: 0,
    });
  });

  it.each([
    ["no client id", "5.1.0"],
    ["a client id that is too short", `${client.slice(1)}.5.1.0`],
    ["a client id in upper case", `${client.toUpperCase()}.5.1.0`],
    ["a client id of zero", `${"0".repeat(32)}.5.1.0`],
    ["a session of zero", `${client}.0.1.0`],
    ["a request of zero", `${client}.5.0.0`],
    ["a responded-to that is not below the request", `${client}.5.1.1`],
    ["a number too few", `${client}.5.1`],
    ["a number too many", `${client}.5.1.0.0`],
    ["a leading zero", `${client}.05.1.0`],
    ["a sign", `${client}.+5.1.0`],
    ["a negative number", `${client}.-5.1.0`],
    ["an exponent", `${client}.1e3.1.0`],
    ["hex", `${client}.0x5.1.0`],
    ["a fraction without digits", `${client}.5.1.`],
    ["a space", `${client}.5.1.0 `],
    ["a line break", `${client}.5.1.0\n`],
    ["digits of another script", `${client}.٥.1.0`],
    ["a number above 2^53-1", `${client}.9007199254740992.1.0`],
    ["a number that is far too long", `${client}.${"9".repeat(400)}.1.0`],
    ["nothing", ""],
  ])("of a request with %s is refused", (_, value) => {
    expect(() => stampIn(of(stampKey, value))).toThrow(badStamp);
  });

  it.each([
    ["a session of zero", `${client}.0.1`],
    ["a request number", `${client}.5.1.0`],
    ["no op", `${client}.5`],
    ["a leading zero", `${client}.5.01`],
  ])("of a read with %s is refused", (_, value) => {
    expect(() => stampIn(of(readStampKey, value))).toThrow(badStamp);
  });

  it("is there once at most", () => {
    const stamp = `${client}.5.1.0`;
    expect(() => stampIn(of(stampKey, stamp, stamp))).toThrow(badStamp);
    const both = of(stampKey, stamp).join(of(readStampKey, `${client}.5.1`));
    expect(() => stampIn(both)).toThrow(badStamp);
  });

  it("is not repeated in the error: its client id may be all the secret that there is", () => {
    const texts = [`${client}.0.1.0`, `${client}.5.1.1`, `${client}.5`, `x${client}.5.1.0`];
    for (const text of texts) {
      expect(() => stampIn(of(stampKey, text))).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(client) }),
      );
    }
  });

  it("never throws anything else, whatever it is", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(() => stampIn(of(stampKey, value))).toThrow(badStamp);
        expect(() => stampIn(of(readStampKey, value))).toThrow(badStamp);
      }),
    );
  });
});

describe("withoutStamps", () => {
  it("leaves all but the stamps, in order", () => {
    const metadata = Metadata.from([
      ["a", "1"],
      [stampKey, "x"],
      ["b", "2"],
      [readStampKey, "y"],
      ["a", "3"],
    ]);
    expect([...withoutStamps(metadata)]).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
    ]);
  });

  it("gives metadata without stamps back", () => {
    const metadata = Metadata.from({ a: "1" });
    expect(withoutStamps(metadata)).toBe(metadata);
  });
});

describe("readOp", () => {
  it.each([
    [["12"], 12],
    [["9007199254740991"], 9_007_199_254_740_991],
    [[], undefined],
    [["0"], undefined],
    [["012"], undefined],
    [["x"], undefined],
    [["1", "2"], undefined],
  ])("of %j is %s", (values, op) => {
    expect(readOp(of(opKey, ...values))).toBe(op);
  });
});
