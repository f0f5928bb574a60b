import { describe, expect, it } from "vitest";
import { reading } from "../../internal/stream/reading.js";

const limits = { maxQueuedRequests: 10, maxQueuedBytes: 1_000 };

describe("reading", () => {
  it.each([
    // requests, bytes, calls of ours, what to do
    [0, 0, 0, "on"],
    [9, 999, 0, "on"],
    [10, 0, 0, "paused"],
    [0, 1_000, 0, "paused"],
    [9, 1_000, 0, "paused"],
    [1_000, 1_000_000, 0, "paused"],
    [9, 999, 5, "on"],
    [10, 0, 1, "on"],
    [0, 1_000, 1, "on"],
    [39, 3_999, 1, "on"],
    [40, 0, 1, "failOurCalls"],
    [0, 4_000, 1, "failOurCalls"],
    [40, 4_000, 65_536, "failOurCalls"],
  ] as const)("with %i requests of %i bytes and %i calls of ours is %s", (length, bytes, ours, expected) => {
    expect(reading(length, bytes, ours, limits)).toBe(expected);
  });
});
