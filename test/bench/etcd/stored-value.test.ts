import { describe, expect, it } from "vitest";
import { StoredValue } from "../../../bench/etcd/stored-value.js";

const context = (op: number) => ({ op, timestampMs: 0, user: "", client: undefined });

describe("StoredValue", () => {
  it("keeps the last value, and counts writes and the transactions that they came in", () => {
    const applied: number[] = [];
    const state = new StoredValue((op) => applied.push(op));
    // 1,024 positions have one revision.
    for (const op of [5_120, 5_121, 6_144]) {
      const request = { $typeName: "bench.etcd.v1.Value" as const, bytes: new Uint8Array([op % 256]) };
      expect(state.handlers.write({ ...request, bytes: new Uint8Array([op / 1_024]) }, context(op))).toEqual(
        {},
      );
    }
    expect({ writes: state.writes, batches: state.batches, applied }).toEqual({
      writes: 3,
      batches: 2,
      applied: [5_120, 5_121, 6_144],
    });
    expect(state.bytes).toEqual(new Uint8Array([6]));
    const read = { $typeName: "bench.etcd.v1.ReadRequest" as const };
    for (const handler of [state.handlers.read, state.handlers.readLocal]) {
      expect(handler(read, context(6_144))).toEqual({ bytes: new Uint8Array([6]) });
    }
  });

  it("comes back out of its snapshot", () => {
    const state = new StoredValue();
    state.options.restore(new Uint8Array([7]), 0);
    const other = new StoredValue();
    other.options.restore(state.options.snapshot(), 0);
    expect(other.bytes).toEqual(new Uint8Array([7]));
  });
});
