import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/sessions/hex.js";
import { encodeLogRecord } from "../../../src/sessions/record/encode-log-record.js";
import { ownCounter } from "../../../src/sessions/server/entry-id.js";
import { id } from "../table/test-table.js";

const own = "0123456789abcdef0123456789abcdef";

function entryOf(incarnation: string, counter: number): Uint8Array {
  return encodeLogRecord({
    id: { incarnation, counter },
    timestampMs: 1,
    entry: { kind: "tick", previousOp: 0 },
  });
}

describe("ownCounter", () => {
  it.each([1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER])(
    "reads the counter %d of an own entry",
    (counter) => {
      expect(ownCounter(entryOf(own, counter), fromHex(own))).toBe(counter);
    },
  );

  it.each([
    { what: "another process", entry: entryOf(id(1), 5) },
    { what: "one whose incarnation differs in the last byte", entry: entryOf(`${own.slice(0, -1)}e`, 5) },
    { what: "nobody", entry: new Uint8Array() },
    { what: "whoever writes text", entry: new TextEncoder().encode("no entry of any log that there is") },
    { what: "one that is cut off in the incarnation", entry: entryOf(own, 5).slice(0, 12) },
    { what: "one that is cut off before the counter", entry: entryOf(own, 5).slice(0, 20) },
    { what: "one that is cut off in the counter", entry: entryOf(own, 500).slice(0, 22) },
    {
      what: "one whose counter does not end",
      entry: Uint8Array.from([...entryOf(own, 5).slice(0, 21), ...Array(20).fill(255)]),
    },
  ])("knows that an entry is by $what", ({ entry }) => {
    expect(ownCounter(entry, fromHex(own))).toBeUndefined();
  });
});
