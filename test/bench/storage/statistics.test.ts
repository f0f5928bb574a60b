import { array, assert, double, property } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  noSamples,
  pool,
  RunningStatistics,
  type Statistics,
  standardDeviation,
} from "../../../bench/storage/statistics.js";

const samples = array(double({ min: -1_000, max: 1_000, noNaN: true }), { maxLength: 60 });

function statisticsOf(values: readonly number[]): RunningStatistics {
  const statistics = new RunningStatistics();
  for (const value of values) statistics.add(value);
  return statistics;
}

/** In two passes: first the mean, then the distances from it. */
function twoPasses(values: readonly number[]): Statistics {
  const count = values.length;
  const mean = count === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / count;
  return { count, mean, squares: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) };
}

/** The largest difference between the two; the numbers are below 2e9, of which a double keeps 16 digits. */
function difference(one: Statistics, other: Statistics): number {
  return Math.max(
    Math.abs(one.count - other.count),
    Math.abs(one.mean - other.mean),
    Math.abs(one.squares - other.squares),
  );
}

describe("RunningStatistics", () => {
  it("[BM-08] has in one pass the mean and the variance that two passes find", () => {
    assert(
      property(samples, (values) => {
        expect(difference(statisticsOf(values), twoPasses(values))).toBeLessThan(1e-4);
      }),
    );
  });

  it("[BM-08] keeps the variance of samples that lie close together and far from 0", () => {
    const values = [4, 7, 13, 16].map((value) => value + 1e9);
    expect(standardDeviation(statisticsOf(values))).toBeCloseTo(Math.sqrt(30), 6);
  });
});

describe("pool", () => {
  it("[BM-08] makes of the statistics of parts those of all samples", () => {
    assert(
      property(array(samples, { maxLength: 6 }), (parts) => {
        expect(difference(pool(parts.map(statisticsOf)), twoPasses(parts.flat()))).toBeLessThan(1e-4);
      }),
    );
  });

  it("[BM-08] counts the differences between the parts", () => {
    const pooled = pool([statisticsOf([1, 1, 1]), statisticsOf([3, 3, 3])]);
    expect(pooled).toEqual({ count: 6, mean: 2, squares: 6 });
  });

  it.each([
    { what: "nothing", parts: [] },
    { what: "parts without samples", parts: [noSamples, new RunningStatistics()] },
  ])("[W-34] divides nothing by zero: of $what it makes no samples", ({ parts }) => {
    expect(pool(parts)).toEqual(noSamples);
  });
});

describe("standardDeviation", () => {
  it.each([{ values: [] }, { values: [5] }])("[W-34] is unknown of $values.length samples", ({ values }) => {
    expect(standardDeviation(statisticsOf(values))).toBeUndefined();
  });

  it.each([
    { values: [5, 5], deviation: 0 },
    { values: [1, 3], deviation: Math.SQRT2 },
    { values: [2, 4, 4, 4, 5, 5, 7, 9], deviation: Math.sqrt(32 / 7) },
  ])("is $deviation of $values", ({ values, deviation }) => {
    expect(standardDeviation(statisticsOf(values))).toBeCloseTo(deviation, 12);
  });
});
