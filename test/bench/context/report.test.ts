import { describe, expect, it } from "vitest";
import { formatBenchmark } from "../../../bench/context/report.js";

describe("formatBenchmark", () => {
  it("shows costs, ratios, and what they are ratios to", () => {
    const rows = [
      {
        name: "plain",
        micros: { median: 1_234.5, least: 99.4, most: 20_000 },
        to: null,
        ratio: null,
        rounds: [],
      },
      {
        name: "inside",
        micros: { median: 5, least: 0.0416, most: 31.26 },
        to: "plain",
        ratio: { median: 1.256, least: 0.9, most: 250 },
        rounds: [],
      },
    ];
    expect(formatBenchmark({ name: "rpc1", description: "what it is", rows }).split("\n")).toEqual([
      "rpc1: what it is",
      "          CPU µs  least    most  ratio  least    most  compared with",
      "  plain    1,235   99.4  20,000      -      -       -              -",
      "  inside    5.00  0.042    31.3   1.26   0.90  250.00          plain",
    ]);
  });
});
