import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf } from "../../../../src/sessions/commit-log/etcd/etcd-keys.js";
import {
  begunMs,
  decodeManifest,
  encodeManifest,
  noSnapshot,
} from "../../../../src/sessions/commit-log/etcd/snapshot-manifest.js";

const hex = fc.integer({ min: 0, max: 2 ** 44 }).map((number) => number.toString(16));
const manifests = fc.record({
  op: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  id: fc.tuple(hex, hex).map(([time, random]) => `${time}-${random}`),
  chunks: fc.integer({ min: 1, max: 2 ** 31 }),
  bytes: fc.integer({ min: 0, max: 10 ** 15 - 1 }),
  checksum: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});

describe("the manifest of a snapshot", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
      }),
    );
  });

  it("has the order of the positions, as bytes, and is above none at all", () => {
    fc.assert(
      fc.property(manifests, manifests, (a, b) => {
        const order = Buffer.compare(encodeManifest(a), encodeManifest(b));
        expect(a.op === b.op || Math.sign(order) === Math.sign(a.op - b.op)).toBe(true);
        expect(Buffer.compare(encodeManifest(a), noSnapshot)).toBe(1);
      }),
    );
  });

  it("may be none, or no manifest", () => {
    expect(decodeManifest(noSnapshot)).toBe("none");
    const wrong = [
      "",
      "0000000000000001",
      "1 a-b 1 1 1",
      "0000000000000001 a-b 1 1",
      "0000000000000001 a-b 1 1 1 1",
      "0000000000000001 z-b 1 1 1",
      "0000000000000001 a-b -1 1 1",
      "0000000000000001 a-b 1 1 1\n",
    ];
    for (const text of wrong) expect(decodeManifest(bytesOf(text)), text).toBeUndefined();
  });

  it("tells when it was begun", () => {
    expect(begunMs("18c-12")).toBe(0x18c);
    for (const id of ["", "-", "xyz-1", "1234567890abc-1", "18c"]) expect(begunMs(id)).toBeUndefined();
  });
});
