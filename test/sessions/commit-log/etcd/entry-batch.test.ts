import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Code } from "../../../../internal/errors/code.js";
import { QuorateError } from "../../../../internal/errors/quorate-error.js";
import {
  batchBytes,
  decodeBatch,
  encodeBatch,
} from "../../../../src/sessions/commit-log/etcd/entry-batch.js";

const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 });

describe("a batch of entries", () => {
  it("comes back as it was, in as many bytes as were foretold", () => {
    fc.assert(
      fc.property(entries, (given) => {
        const encoded = encodeBatch(given);
        expect(encoded.byteLength).toBe(batchBytes(given));
        expect(decodeBatch(encoded, "name").map((entry) => [...entry])).toEqual(
          given.map((entry) => [...entry]),
        );
      }),
    );
  });

  it("comes back out of the middle of a buffer", () => {
    const encoded = encodeBatch([Uint8Array.of(1, 2), Uint8Array.of()]);
    const around = new Uint8Array(encoded.byteLength + 7).fill(9);
    around.set(encoded, 3);
    const found = decodeBatch(around.subarray(3, 3 + encoded.byteLength), "name");
    expect(found.map((entry) => [...entry])).toEqual([[1, 2], []]);
  });

  it("is refused where its end is missing, unless that is between two entries", () => {
    fc.assert(
      fc.property(entries, (given) => {
        const encoded = encodeBatch(given);
        const borders = new Set(given.map((_, at) => batchBytes(given.slice(0, at + 1))));
        for (let length = 0; length < encoded.byteLength; length++) {
          if (borders.has(length)) continue;
          expect(() => decodeBatch(encoded.subarray(0, length), "name")).toThrow(QuorateError);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("is decoded to entries of as many bytes, or refused, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (garbage, isFormat) => {
        if (isFormat && garbage.length > 0) garbage[0] = 1;
        const found = decodedOrReason(garbage);
        const isDecoded = typeof found !== "string";
        const isWhole = isDecoded && found.length > 0 && batchBytes(found) === garbage.byteLength;
        expect(isWhole || found === "LOG_CORRUPT" || found === "UNKNOWN_ENTRY").toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    { what: "of another format", bytes: [2, 0, 0, 0, 0], code: Code.Unimplemented, reason: "UNKNOWN_ENTRY" },
    { what: "without entries", bytes: [1], code: Code.DataLoss, reason: "LOG_CORRUPT" },
    { what: "with more than it has", bytes: [1, 9, 0, 0, 0, 1], code: Code.DataLoss, reason: "LOG_CORRUPT" },
  ])("$what is refused by its name", ({ bytes, code, reason }) => {
    expect(() => decodeBatch(Uint8Array.from(bytes), "log/abc")).toThrow(
      expect.objectContaining({ code, reason, message: expect.stringContaining("log/abc") }),
    );
  });
});

function decodedOrReason(bytes: Uint8Array): Uint8Array[] | string {
  try {
    return decodeBatch(bytes, "name");
  } catch (error) {
    if (error instanceof QuorateError) return error.reason ?? "";
    throw error;
  }
}
