import { describe, expect, it } from "vitest";
import { compareCosts, type Subject } from "../../../bench/context/compare-costs.js";

const never = new AbortController().signal;

/** A subject that costs that much, one after the other, and notes when it was measured. */
function subject(name: string, costs: readonly number[], measured: string[], to?: string): Subject {
  const left = [...costs];
  return {
    name,
    ...(to === undefined ? {} : { to }),
    measure: async (timeMs) => {
      measured.push(`${name} ${timeMs}`);
      return left.shift() ?? Number.NaN;
    },
  };
}

describe("compareCosts", () => {
  it("measures by turns, each round beginning with another one, behind a warm-up that does not count", async () => {
    const measured: string[] = [];
    const rows = await compareCosts(
      [subject("a", [7, 10, 30], measured), subject("b", [7, 5, 6], measured)],
      { rounds: 2, timeMs: 50, warmupMs: 3 },
      never,
    );
    expect(measured).toEqual(["a 3", "b 3", "a 50", "b 50", "b 50", "a 50"]);
    expect(rows).toEqual([
      { name: "a", micros: { median: 20, least: 10, most: 30 }, to: null, ratio: null, rounds: [10, 30] },
      { name: "b", micros: { median: 5.5, least: 5, most: 6 }, to: null, ratio: null, rounds: [5, 6] },
    ]);
  });

  it("has no warm-up of no time", async () => {
    const measured: string[] = [];
    await compareCosts([subject("a", [1], measured)], { rounds: 1, timeMs: 50, warmupMs: 0 }, never);
    expect(measured).toEqual(["a 50"]);
  });

  it("forms ratios within the rounds, not of the medians", async () => {
    const rows = await compareCosts(
      // The machine gets ten times slower, and then faster again.
      [subject("a", [100, 1_000, 100], []), subject("b", [200, 3_000, 50], [], "a")],
      { rounds: 3, timeMs: 1, warmupMs: 0 },
      never,
    );
    expect(rows[1]).toMatchObject({ to: "a", ratio: { median: 2, least: 0.5, most: 3 } });
  });

  it("refuses to compare with what is not there, before anything is measured", async () => {
    const measured: string[] = [];
    const settings = { rounds: 1, timeMs: 1, warmupMs: 1 };
    const comparing = compareCosts([subject("a", [1], measured, "b")], settings, never);
    await expect(comparing).rejects.toThrow("nothing named b");
    expect(measured).toEqual([]);
  });

  it("measures nothing more once the signal has ended", async () => {
    const interruption = new AbortController();
    const measured: string[] = [];
    const ending: Subject = {
      name: "a",
      measure: async () => {
        interruption.abort(new Error("interrupted"));
        return 1;
      },
    };
    const settings = { rounds: 1, timeMs: 1, warmupMs: 0 };
    const comparing = compareCosts([ending, subject("b", [1], measured)], settings, interruption.signal);
    await expect(comparing).rejects.toThrow("interrupted");
    expect(measured).toEqual([]);
  });
});
