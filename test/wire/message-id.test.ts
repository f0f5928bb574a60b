import { BinaryWriter } from "@bufbuild/protobuf/wire";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { encodeEnvelope } from "../../internal/wire/encode-envelope.js";
import {
  maxCallNumber,
  messageIdSize,
  nextCallNumber,
  writeMessageId,
} from "../../internal/wire/message-id.js";
import { callNumbers } from "./arbitrary-envelopes.js";

const noBody = new Uint8Array(0);

describe("a message id", () => {
  it("is the varint of the uint64, written behind the offset and nowhere else", () => {
    fc.assert(
      fc.property(callNumbers, fc.boolean(), fc.nat(3), (number, serverInitiated, offset) => {
        const bytes = new Uint8Array(16).fill(0xee);
        const end = writeMessageId(bytes, offset, number, serverInitiated);
        const value = BigInt(number) | (serverInitiated ? 1n << 63n : 0n);
        expect(bytes.subarray(offset, end)).toEqual(new BinaryWriter().uint64(value).finish());
        expect(end - offset).toBe(messageIdSize(number, serverInitiated));
        expect([...bytes.subarray(0, offset), ...bytes.subarray(end)].every((byte) => byte === 0xee)).toBe(
          true,
        );
      }),
      { numRuns: 500 },
    );
  });

  it("[J-02] stays distinct from its neighbours, with and without the high bit", () => {
    const read = new Set<string>();
    for (let number = maxCallNumber - 200; number <= maxCallNumber; number++) {
      for (const serverInitiated of [false, true]) {
        const id = decodeEnvelope(encodeEnvelope(number, serverInitiated, noBody));
        expect(id).toMatchObject({ number, serverInitiated });
        read.add(`${id.number} ${id.serverInitiated}`);
      }
    }
    expect(read.size).toBe(402);
  });
});

describe("nextCallNumber", () => {
  it("[F-05] counts up by one, so that no number comes twice", () => {
    const first = nextCallNumber();
    expect([nextCallNumber(), nextCallNumber(), nextCallNumber()]).toEqual([first + 1, first + 2, first + 3]);
    expect(first).toBeGreaterThanOrEqual(1);
  });
});
