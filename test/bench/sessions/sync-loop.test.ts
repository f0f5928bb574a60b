import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { syncLoop } from "../../../bench/sessions/sync-loop.js";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quorate-sync-loop-"));
});
afterEach(() => rm(directory, { recursive: true }));

describe("syncLoop", () => {
  it("appends so many bytes for each operation, through all measurements", async () => {
    using loop = syncLoop(directory, 100);
    const sizes: number[] = [];
    for (let part = 0; part < 2; part++) {
      const { perSecond } = await loop.measure(1);
      expect(perSecond).toBeGreaterThan(0);
      sizes.push((await stat(join(directory, "sync-loop"))).size);
    }
    const [first = 0, second = 0] = sizes;
    expect(first).toBeGreaterThanOrEqual(100);
    expect(second).toBeGreaterThanOrEqual(first + 100);
    expect([first % 100, second % 100]).toEqual([0, 0]);
  });

  it("counts no faster than it has written", async () => {
    using loop = syncLoop(directory, 10);
    const start = performance.now();
    const { perSecond } = await loop.measure(20);
    const elapsedMs = performance.now() - start;
    const { size } = await stat(join(directory, "sync-loop"));
    expect((perSecond * elapsedMs) / 1_000).toBeGreaterThanOrEqual(size / 10 - 1);
    expect((perSecond * 20) / 1_000).toBeLessThanOrEqual(size / 10 + 1);
  });
});
