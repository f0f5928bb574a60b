import { describe, expect, it } from "vitest";
import { Backoff } from "../../internal/stream/backoff.js";

const take = (backoff: Backoff, count: number) => Array.from({ length: count }, () => backoff.next());

describe("Backoff", () => {
  it("grows by its factor up to its longest wait", () => {
    const backoff = new Backoff({ minMs: 10, maxMs: 100, factor: 2, jitter: 0 });
    expect(take(backoff, 6)).toEqual([10, 20, 40, 80, 100, 100]);
  });

  it("starts again when it is reset", () => {
    const backoff = new Backoff({ minMs: 10, factor: 3, jitter: 0 });
    take(backoff, 3);
    backoff.reset();
    expect(take(backoff, 2)).toEqual([10, 30]);
  });

  it.each([
    [0, 80],
    [0.5, 100],
    [1, 120],
  ])("with the random number %d waits %d ms first, by default", (random, expected) => {
    expect(new Backoff(undefined, () => random).next()).toBeCloseTo(expected);
  });

  it("does not let jitter pile up over the waits", () => {
    const backoff = new Backoff({ minMs: 100, maxMs: 100, jitter: 0.5 }, () => 1);
    expect(take(backoff, 3)).toEqual([150, 150, 150]);
  });
});
