import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32c } from "../../../src/sessions/commit-log/crc32c.js";

describe("crc32c", () => {
  // RFC 3720, section B.4, and the usual check value.
  it.each([
    { of: "nothing", bytes: [], sum: 0 },
    { of: "the digits 1 to 9", bytes: [...Buffer.from("123456789")], sum: 0xe3069283 },
    { of: "32 bytes of zeroes", bytes: Array.from({ length: 32 }, () => 0), sum: 0x8a9136aa },
    { of: "32 bytes of ones", bytes: Array.from({ length: 32 }, () => 0xff), sum: 0x62a8ab43 },
    { of: "32 rising bytes", bytes: Array.from({ length: 32 }, (_, at) => at), sum: 0x46dd794e },
    { of: "32 falling bytes", bytes: Array.from({ length: 32 }, (_, at) => 31 - at), sum: 0x113fdb5c },
    {
      of: "an iSCSI read command",
      bytes: [
        1, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0,
        0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
      ],
      sum: 0xd9963a56,
    },
  ])("is the published one of $of", ({ bytes, sum }) => {
    expect(crc32c(Uint8Array.from(bytes))).toBe(sum);
  });

  it("is what the polynomial says, bit by bit, for any bytes and start", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat({ max: 2 ** 32 - 1 }), (bytes, start) => {
        expect(crc32c(bytes, start)).toBe(bitByBit(bytes, start));
      }),
    );
  });

  it("goes on where it was left", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 40 }), (bytes, cut) => {
        expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
      }),
    );
  });
});

function bitByBit(bytes: Uint8Array, start: number): number {
  let crc = ~start;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
