import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { ClientTable } from "../../../src/sessions/table/client-table.js";
import { TestTable } from "./test-table.js";

const test = new TestTable();
for (const client of [1, 2]) {
  test.open(client);
  test.request(client, 1);
  test.openIntent(client, 2);
}
const snapshot = test.table.snapshot([{ service: "a.v1.A", version: 1, state: Uint8Array.of(1, 2, 3) }]);

/** The reason for which the bytes are refused; undefined if they are taken. */
function reasonFor(bytes: Uint8Array): string | undefined {
  try {
    ClientTable.restore(bytes, test.genesis);
    return undefined;
  } catch (error) {
    return error instanceof QuorateError ? (error.reason ?? "no reason") : `not ours: ${error}`;
  }
}

describe("a damaged snapshot", () => {
  it("is taken as it was written", () => {
    expect(reasonFor(snapshot)).toBeUndefined();
  });

  it("torn at any byte is refused", () => {
    const taken = Array.from(snapshot, (_, end) => reasonFor(snapshot.subarray(0, end)));
    expect(new Set(taken)).toEqual(new Set(["DAMAGED_SNAPSHOT"]));
  });

  it("with any one bit flipped is refused", () => {
    const reasons = new Set<string | undefined>();
    for (let bit = 0; bit < snapshot.length * 8; bit++) {
      const bytes = Uint8Array.from(snapshot);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      reasons.add(reasonFor(bytes));
    }
    // The version is not under the checksum: another one may stand for another checksum.
    expect(reasons).toEqual(new Set(["DAMAGED_SNAPSHOT", "UNKNOWN_SNAPSHOT"]));
  });

  it("with bytes put in, taken out or behind it is refused", () => {
    const change = fc.record({
      at: fc.nat(snapshot.length),
      out: fc.nat(8),
      bytes: fc.uint8Array({ maxLength: 8 }),
    });
    fc.assert(
      fc.property(change, ({ at, out, bytes }) => {
        const changed = Uint8Array.from([...snapshot.slice(0, at), ...bytes, ...snapshot.slice(at + out)]);
        if (Buffer.compare(changed, snapshot) === 0) return;
        expect(reasonFor(changed)).toMatch(/^(DAMAGED|UNKNOWN)_SNAPSHOT$/);
      }),
      { numRuns: 1_000 },
    );
  });

  it("that is anything else is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(reasonFor(bytes)).toBe("DAMAGED_SNAPSHOT");
      }),
      { numRuns: 1_000 },
    );
  });
});
