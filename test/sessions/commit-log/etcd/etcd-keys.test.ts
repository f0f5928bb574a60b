import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bytesOf,
  fixedWidth,
  keysBelow,
  positionOf,
  readNumber,
  revisionAt,
  textOf,
} from "../../../../src/sessions/commit-log/etcd/etcd-keys.js";

const positions = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe("positions in etcd", () => {
  it("have their own order as bytes, and come back", () => {
    fc.assert(
      fc.property(positions, positions, (a, b) => {
        expect(Math.sign(Buffer.compare(fixedWidth(a), fixedWidth(b)))).toBe(Math.sign(a - b));
        expect(readNumber(fixedWidth(a))).toBe(a);
      }),
    );
  });

  it("grow with the revision, and within a batch", () => {
    const places = fc.record({
      revision: fc.bigInt(1n, 2n ** 43n - 1n),
      index: fc.integer({ min: 0, max: 1_023 }),
    });
    fc.assert(
      fc.property(places, places, (a, b) => {
        const [one, other] = [a, b].map(({ index, revision }) => positionOf(revision, index));
        const order = a.revision === b.revision ? a.index - b.index : Number(a.revision - b.revision);
        expect(Math.sign((one ?? 0) - (other ?? 0))).toBe(Math.sign(order));
        expect(BigInt(revisionAt(one ?? 0))).toBe(a.revision);
        expect(Number.isSafeInteger(one)).toBe(true);
      }),
    );
  });

  it.each(["", " 1", "1 ", "-1", "1.5", "1e3", "0x1", "one", "9007199254740992", "00000000000000001", "١"])(
    "are not read from %j",
    (text) => {
      expect(readNumber(bytesOf(text))).toBeUndefined();
    },
  );

  it("are not read from a key that is missing", () => {
    expect(readNumber(undefined)).toBeUndefined();
  });
});

describe("the keys of a log", () => {
  const keys = keysBelow("a/b/");
  const within = ({ key, rangeEnd }: typeof keys.batches, name: Uint8Array) =>
    Buffer.compare(name, key) >= 0 && Buffer.compare(name, rangeEnd) < 0;

  it("lie below its prefix, each kind in a range of its own", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{1,32}$/), fc.nat(99_999_999), (id, number) => {
        const [batch, chunk] = [keys.batch(id), keys.chunk(id, number)];
        expect(textOf(batch).startsWith("a/b/")).toBe(true);
        expect([within(keys.batches, batch), within(keys.batches, chunk)]).toEqual([true, false]);
        expect([within(keys.chunks, chunk), within(keys.chunks, batch)]).toEqual([true, false]);
        expect(within(keys.chunksOf(id), chunk)).toBe(true);
        expect(within(keys.chunksOf(`${id}0`), chunk)).toBe(false);
        expect(keys.snapshotOf(chunk)).toBe(id);
        for (const single of [keys.genesis, keys.head, keys.floor, keys.manifest]) {
          expect([keys.batches, keys.chunks].some((range) => within(range, single))).toBe(false);
        }
      }),
    );
  });
});
