import { describe, expect, it } from "vitest";
import { PauseMeter } from "../../../examples/bank/client/pause-meter.js";

describe("PauseMeter", () => {
  it("knows the longest time between answers, before the first and since the last included", () => {
    let now = 100;
    const pauses = new PauseMeter(() => now);
    for (now of [130, 140, 190, 200]) pauses.answered();
    expect(pauses.take()).toBe(50);
    now = 270;
    expect(pauses.take()).toBe(70);
  });

  it("forgets what it has told, but for the time that still goes on", () => {
    let now = 0;
    const pauses = new PauseMeter(() => now);
    now = 80;
    pauses.answered();
    now = 90;
    expect(pauses.take()).toBe(80);
    now = 110;
    pauses.answered();
    expect(pauses.take()).toBe(30);
  });
});
