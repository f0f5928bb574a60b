import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import {
  decodeSession,
  encodeSession,
  type SessionRecord,
} from "../../../src/sessions/client/session-bytes.js";
import { crc32c } from "../../../src/sessions/commit-log/crc32c.js";
import { client, clusterId, thrownBy } from "./client-session.js";

const record: SessionRecord = {
  client,
  clusterId,
  session: 20,
  created: 10,
  applied: 3,
  lastOp: 25,
  next: 5,
  unanswered: [
    { request: 2, method: "a.B/C", payload: Uint8Array.of(1, 2, 3) },
    { request: 4, method: "a.B/Größe", payload: new Uint8Array() },
  ],
};

const hex = fc.stringMatching(/^[0-9a-f]{31}[1-9a-f]$/);
const ops = fc.maxSafeNat().map((op) => Math.max(op, 1));
const records: fc.Arbitrary<SessionRecord> = fc
  .record({
    client: hex,
    clusterId: hex,
    ops: fc
      .tuple(ops, ops, ops)
      .map(([a, b, c]) => [a, b, c].sort((x, y) => x - y) as [number, number, number]),
    numbers: fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { maxLength: 8 }),
    next: fc.oneof(fc.integer({ min: 201, max: 300 }), fc.constant(Number.MAX_SAFE_INTEGER)),
    applied: fc.nat(200),
    contents: fc.array(
      fc.tuple(fc.string({ minLength: 1, unit: "grapheme" }), fc.uint8Array({ maxLength: 40 })),
      { minLength: 8, maxLength: 8 },
    ),
  })
  .map(({ client, clusterId, ops: [created, session, lastOp], numbers, next, applied, contents }) => ({
    client,
    clusterId,
    created,
    session,
    lastOp,
    next,
    applied,
    unanswered: numbers
      .sort((a, b) => a - b)
      .map((request, at) => {
        const [method = "", payload = new Uint8Array()] = contents[at] ?? [];
        return { request, method, payload };
      }),
  }));

/** The bytes with a checksum that fits: what is left to find is what they say. */
function resealed(bytes: Uint8Array): Uint8Array {
  const sealed = bytes.slice();
  const end = sealed.length - 4;
  new DataView(sealed.buffer).setUint32(end, crc32c(sealed.subarray(0, end)));
  return sealed;
}

/** Decodes, or refuses with the error that is meant for it; anything else fails the test. */
function decodeOrRefuse(bytes: Uint8Array): SessionRecord | undefined {
  try {
    return decodeSession(bytes);
  } catch (error) {
    assert(error instanceof QuorateError);
    assert.deepEqual([error.code, error.reason], [Code.InvalidArgument, "BAD_SESSION_BYTES"]);
    return undefined;
  }
}

describe("decodeSession", () => {
  it("reads what encodeSession wrote", () => {
    const check = fc.property(records, (any) => {
      assert.deepEqual(decodeSession(encodeSession(any)), any);
    });
    expect(() => fc.assert(check)).not.toThrow();
  });

  it("reads a version 1 that was written long ago", () => {
    const head = `51534553 01 ${client} ${clusterId}`;
    const numbers = [20, 10, 3, 25, 5].map((value) => value.toString(16).padStart(16, "0")).join("");
    const first = `0000000000000002 0005 ${Buffer.from("a.B/C").toString("hex")} 00000003 010203`;
    const method = Buffer.from("a.B/Größe").toString("hex");
    const second = `0000000000000004 000b ${method} 00000000`;
    const text = `${head}${numbers} 00000002 ${first} ${second} 00000000`.replaceAll(" ", "");
    const bytes = resealed(Uint8Array.from(Buffer.from(text, "hex")));
    expect(decodeSession(bytes)).toEqual(record);
    expect(encodeSession(record)).toEqual(bytes);
  });

  it("reads from a part of a larger buffer, and keeps nothing of it", () => {
    const bytes = encodeSession(record);
    const large = Buffer.concat([Buffer.alloc(3, 0xff), bytes, Buffer.alloc(3, 0xff)]);
    const read = decodeSession(large.subarray(3, -3));
    large.fill(0);
    expect(read).toEqual(record);
  });

  it("refuses bytes that are cut off, at every byte", () => {
    const bytes = encodeSession(record);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeOrRefuse(bytes.subarray(0, length))).toBeUndefined();
    }
  });

  it("refuses bytes with any one bit changed", () => {
    const bytes = encodeSession(record);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeOrRefuse(flipped)).toBeUndefined();
    }
  });

  it("refuses what is something else", () => {
    const check = fc.property(
      fc.uint8Array({ maxLength: 300 }),
      (bytes) => decodeOrRefuse(bytes) === undefined,
    );
    expect(() => fc.assert(check)).not.toThrow();
    expect(thrownBy(() => decodeSession("QSES" as unknown as Uint8Array)).code).toBe(Code.InvalidArgument);
  });

  it("refuses bytes of another version, and says which", () => {
    const bytes = encodeSession(record);
    bytes[4] = 2;
    expect(thrownBy(() => decodeSession(resealed(bytes)))).toMatchObject({
      reason: "BAD_SESSION_BYTES",
      message: expect.stringContaining("format is 2") as string,
    });
  });

  it("refuses bytes with something behind them", () => {
    expect(decodeOrRefuse(resealed(Buffer.concat([encodeSession(record), Buffer.alloc(1)])))).toBeUndefined();
  });

  const [first, second] = record.unanswered;
  const requests = first === undefined || second === undefined ? [] : [first, second];
  it.each<Partial<SessionRecord> & { readonly why: string }>([
    { why: "no client id", client: "0".repeat(32) },
    { why: "made at op 0", created: 0 },
    { why: "made after its last Register", created: 21 },
    { why: "has not seen its own Register", lastOp: 19 },
    { why: "applied what was never given out", applied: 5 },
    { why: "no next number", next: 0, applied: 0, unanswered: [] },
    { why: "a request that was never given out", next: 4 },
    { why: "requests out of order", unanswered: requests.toReversed() },
    { why: "a request twice", unanswered: [...requests.slice(0, 1), ...requests] },
    { why: "a request 0", unanswered: requests.map((request, at) => ({ ...request, request: at })) },
    {
      why: "a request without a method",
      unanswered: requests.map((request) => ({ ...request, method: "" })),
    },
  ])("refuses bytes that contradict themselves: $why", ({ why: _, ...changes }) => {
    expect(decodeOrRefuse(encodeSession({ ...record, ...changes }))).toBeUndefined();
  });

  it("refuses numbers above 2^53-1, and methods that are no UTF-8", () => {
    const bytes = encodeSession(record);
    const large = bytes.slice();
    large[4 + 1 + 32] = 0x40;
    expect(thrownBy(() => decodeSession(resealed(large))).message).toContain("2^53-1");
    const odd = bytes.slice();
    odd[odd.indexOf("a".charCodeAt(0), 77)] = 0xff;
    expect(thrownBy(() => decodeSession(resealed(odd))).message).toContain("UTF-8");
  });

  it("reads or refuses whatever fits its checksum, and reads only what it would write", () => {
    const mangled = fc
      .tuple(records, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }), fc.nat(3))
      .map(([any, changes, cut]) => {
        const bytes = encodeSession(any);
        for (const [at, value] of changes) bytes[5 + (at % (bytes.length - 5))] = value;
        return resealed(bytes.subarray(0, bytes.length - cut));
      });
    const check = fc.property(mangled, (bytes) => {
      const read = decodeOrRefuse(bytes);
      if (read !== undefined) assert.deepEqual(encodeSession(read), bytes);
    });
    expect(() => fc.assert(check, { numRuns: 2_000 })).not.toThrow();
  });
});
