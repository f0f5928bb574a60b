import { describe, expect, it } from "vitest";
import { type Contestant, compare, type Measured } from "../../../bench/sessions/comparison.js";

/** A contestant that has these rates, one after the other, and notes when it was asked. */
function contestant(
  name: string,
  rates: readonly number[],
  asked: string[],
  cpu?: Measured["cpu"],
): Contestant {
  const left = [...rates];
  return {
    name,
    measure: async (timeMs) => {
      asked.push(`${name} ${timeMs}`);
      return { perSecond: left.shift() ?? Number.NaN, ...(cpu === undefined ? {} : { cpu }) };
    },
  };
}

describe("compare", () => {
  it("measures by turns, behind a warm-up that does not count", async () => {
    const asked: string[] = [];
    const { contestants } = await compare(
      [contestant("a", [1, 10, 30], asked), contestant("b", [1, 5, 6], asked)],
      [],
      { rounds: 2, timeMs: 50, warmupMs: 7 },
    );
    expect(asked).toEqual(["a 7", "b 7", "a 50", "b 50", "a 50", "b 50"]);
    expect(contestants).toEqual([
      {
        name: "a",
        perSecond: { median: 20, least: 10, most: 30 },
        serverMicros: null,
        clientMicros: null,
        rounds: [10, 30],
      },
      {
        name: "b",
        perSecond: { median: 5.5, least: 5, most: 6 },
        serverMicros: null,
        clientMicros: null,
        rounds: [5, 6],
      },
    ]);
  });

  it("has no warm-up of no time", async () => {
    const asked: string[] = [];
    await compare([contestant("a", [1], asked)], [], { rounds: 1, timeMs: 50, warmupMs: 0 });
    expect(asked).toEqual(["a 50"]);
  });

  it("forms ratios within the rounds, not of the medians", async () => {
    const asked: string[] = [];
    const { ratios } = await compare(
      // The machine gets ten times slower, and then faster again.
      [contestant("a", [200, 30, 200], asked), contestant("b", [100, 10, 400], asked)],
      [{ of: "a", to: "b" }],
      { rounds: 3, timeMs: 1, warmupMs: 0 },
    );
    expect(ratios).toEqual([{ of: "a", to: "b", median: 2, least: 0.5, most: 3, atLeast: null, met: null }]);
  });

  it.each([
    { rate: 70, met: true },
    { rate: 69, met: false },
  ])("says whether the median of $rate % is the target of 0.7: $met", async ({ rate, met }) => {
    const asked: string[] = [];
    const { ratios } = await compare(
      [contestant("a", [1, rate, 1_000], asked), contestant("b", [100, 100, 100], asked)],
      [{ of: "a", to: "b", atLeast: 0.7 }],
      { rounds: 3, timeMs: 1, warmupMs: 0 },
    );
    expect(ratios[0]).toMatchObject({ atLeast: 0.7, median: rate / 100, met });
  });

  it("has the medians of the processor times", async () => {
    const asked: string[] = [];
    const cpu = { serverMicros: 30, clientMicros: 20 };
    const { contestants } = await compare([contestant("a", [1, 1], asked, cpu)], [], {
      rounds: 2,
      timeMs: 1,
      warmupMs: 0,
    });
    expect(contestants[0]).toMatchObject(cpu);
  });

  it("refuses a ratio to somebody who is not there", async () => {
    const comparing = compare([contestant("a", [1], [])], [{ of: "a", to: "b" }], {
      rounds: 1,
      timeMs: 1,
      warmupMs: 0,
    });
    await expect(comparing).rejects.toThrow("no contestant b");
  });
});
