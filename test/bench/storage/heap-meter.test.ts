import { afterEach, describe, expect, it, vi } from "vitest";
import { startHeapMeter } from "../../../bench/storage/heap-meter.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

const megabyte = 1_000_000;
const pattern = Array.from({ length: 125 }, (_, at) => at);
let kept: unknown[] = [];

/** Allocates about so many megabytes, of which nearly all is garbage at once. */
function allocate(megabytes: number): void {
  kept = [];
  for (let left = megabytes * 1_000; left > 0; left--) {
    // 8 bytes for each element.
    const kilobyte = pattern.map((number) => number + left);
    if (left % 1_000 === 0) kept.push(kilobyte);
  }
}

describe("startHeapMeter", () => {
  it("counts what was allocated, although it was collected meanwhile", () => {
    const meter = startHeapMeter();
    allocate(100);
    const { collections, heapBytes } = meter.stop();
    expect(heapBytes).toBeGreaterThan(95 * megabyte);
    expect(heapBytes).toBeLessThan(200 * megabyte);
    expect(collections).toBeGreaterThan(0);
  });

  it("counts nothing that was allocated before or after", () => {
    allocate(50);
    const { heapBytes } = startHeapMeter().stop();
    expect(heapBytes).toBeLessThan(5 * megabyte);
  });

  it("adds up what it has whenever the interval is over", () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const meter = startHeapMeter(1_000);
    for (let part = 0; part < 3; part++) {
      allocate(40);
      vi.advanceTimersByTime(1_000);
    }
    allocate(40);
    const { collections, heapBytes } = meter.stop();
    expect(heapBytes).toBeGreaterThan(155 * megabyte);
    expect(heapBytes).toBeLessThan(320 * megabyte);
    expect(collections).toBeGreaterThan(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("measures several times at once", () => {
    const outer = startHeapMeter();
    allocate(20);
    const inner = startHeapMeter();
    allocate(20);
    expect(inner.stop().heapBytes).toBeLessThan(40 * megabyte);
    expect(outer.stop().heapBytes).toBeGreaterThan(38 * megabyte);
  });
});
