import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32c } from "../../../src/sessions/commit-log/crc32c.js";
import {
  decodeFrameHeader,
  decodePayload,
  encodeFrame,
  type Frame,
  frameHeaderBytes,
  hasLaterHeader,
} from "../../../src/sessions/commit-log/frame.js";

const anyOp = fc.oneof(
  fc.integer({ min: 1, max: 1000 }),
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
);
const anySalt = fc.nat({ max: 2 ** 32 - 1 });
const anyFrame: fc.Arbitrary<Frame> = fc.record({
  batch: anyOp,
  firstOp: anyOp,
  entries: fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 8 }),
});

/** A frame from its bytes, or undefined if they are none. */
function decode(bytes: Buffer, salt: number): Frame | undefined {
  if (bytes.length < frameHeaderBytes) return undefined;
  const header = decodeFrameHeader(bytes, 0, salt);
  const entries = header && decodePayload(bytes.subarray(frameHeaderBytes), header);
  return header && entries && { batch: header.batch, firstOp: header.firstOp, entries };
}

describe("a frame", () => {
  it("is what it was before it was encoded", () => {
    fc.assert(
      fc.property(anyFrame, anySalt, (frame, salt) => {
        expect(decode(encodeFrame(frame, salt), salt)).toEqual(frame);
      }),
    );
  });

  it("has the layout that is documented", () => {
    const bytes = encodeFrame(
      { batch: 2 ** 32 + 7, firstOp: 9, entries: [Uint8Array.of(1, 2), new Uint8Array()] },
      5,
    );
    const payload = Buffer.from("02000000010200000000", "hex");
    const header = Buffer.alloc(24);
    header.writeUInt32LE(10, 0);
    header.writeUInt32LE(crc32c(payload), 4);
    header.writeBigUInt64LE(2n ** 32n + 7n, 8);
    header.writeBigUInt64LE(9n, 16);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(crc32c(header, 5));
    expect(bytes.toString("hex")).toBe(Buffer.concat([header, checksum, payload]).toString("hex"));
  });

  it("is not taken for whole with any bit turned, or cut anywhere", () => {
    fc.assert(
      fc.property(anyFrame, anySalt, fc.nat(), (frame, salt, at) => {
        const bytes = encodeFrame(frame, salt);
        expect(decode(bytes.subarray(0, at % bytes.length), salt)).toBeUndefined();
        bytes.writeUInt8((bytes[at % bytes.length] ?? 0) ^ (1 << (at % 8)), at % bytes.length);
        expect(decode(bytes, salt)).toBeUndefined();
      }),
    );
  });

  it("is not found in what is none, and such bytes do not make the decoder throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: frameHeaderBytes, maxLength: 200 }), anySalt, (bytes, salt) => {
        expect(decode(Buffer.from(bytes), salt)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it("is not made of zeroes, whatever the salt", () => {
    fc.assert(
      fc.property(fc.integer({ min: frameHeaderBytes, max: 100 }), anySalt, (length, salt) => {
        expect(decode(Buffer.alloc(length), salt)).toBeUndefined();
      }),
    );
    // The one start with which the checksum of the zeroes is that of a header of zeroes.
    const salt = saltOfZeroHeader();
    expect(crc32c(Buffer.alloc(24), salt)).toBe(0);
    expect(decodeFrameHeader(Buffer.alloc(frameHeaderBytes), 0, salt)).toBeUndefined();
  });

  it.each([
    { what: "an entry that goes beyond the end", payload: [9, 0, 0, 0, 1] },
    { what: "an entry of 4 GiB", payload: [0xff, 0xff, 0xff, 0xff, 1, 2] },
    { what: "a rest of three bytes", payload: [1, 0, 0, 0, 7, 0, 0, 0] },
  ])("is refused with $what, though its checksum is good", ({ payload }) => {
    const bytes = Buffer.from(payload);
    const header = { payloadBytes: bytes.length, payloadChecksum: crc32c(bytes), batch: 1, firstOp: 1 };
    expect(decodePayload(bytes, header)).toBeUndefined();
  });
});

describe("hasLaterHeader", () => {
  const frame = encodeFrame({ batch: 12, firstOp: 30, entries: [Uint8Array.of(1)] }, 77);
  const bytes = Buffer.concat([Buffer.alloc(13, 0x5a), frame]);

  it.each([
    { of: "an earlier batch", batch: 11, ahead: 10, salt: 77, found: true },
    { of: "the same batch", batch: 12, ahead: 10, salt: 77, found: false },
    { of: "a batch that is too far away", batch: 1, ahead: 10, salt: 77, found: false },
    { of: "another salt", batch: 11, ahead: 10, salt: 78, found: false },
  ])("looked for from $of finds it: $found", ({ batch, ahead, salt, found }) => {
    expect(hasLaterHeader(bytes, batch, ahead, salt)).toBe(found);
  });

  it("does not find one that is cut off", () => {
    expect(hasLaterHeader(bytes.subarray(0, 13 + frameHeaderBytes), 11, 10, 77)).toBe(true);
    expect(hasLaterHeader(bytes.subarray(0, 13 + frameHeaderBytes - 1), 11, 10, 77)).toBe(false);
  });
});

/** The checksum is linear in its start, bit by bit. */
function saltOfZeroHeader(): number {
  const zeroes = Buffer.alloc(24);
  const base = crc32c(zeroes, 0);
  const columns = Array.from({ length: 32 }, (_, bit) => (crc32c(zeroes, (1 << bit) >>> 0) ^ base) >>> 0);
  let rows = columns.map((value, bit) => ({ value, start: (1 << bit) >>> 0 }));
  let [rest, salt] = [base, 0];
  for (let bit = 31; bit >= 0; bit--) {
    const pivot = rows.find(({ value }) => ((value >>> bit) & 1) === 1);
    if (pivot === undefined) continue;
    rows = rows
      .filter((row) => row !== pivot)
      .map((row) =>
        ((row.value >>> bit) & 1) === 1
          ? { value: (row.value ^ pivot.value) >>> 0, start: (row.start ^ pivot.start) >>> 0 }
          : row,
      );
    if (((rest >>> bit) & 1) === 0) continue;
    rest = (rest ^ pivot.value) >>> 0;
    salt = (salt ^ pivot.start) >>> 0;
  }
  return salt;
}
