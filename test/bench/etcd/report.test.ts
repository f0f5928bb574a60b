import { describe, expect, it } from "vitest";
import { formatComparison, formatTargets } from "../../../bench/etcd/report.js";
import type { NamedComparison } from "../../../bench/etcd/results.js";

const writes: NamedComparison = {
  name: "write1",
  description: "what it is",
  unit: "per second",
  contestants: [
    {
      name: "puts",
      value: { median: 1_234.5, least: 99.4, most: 20_000 },
      cpu: { client: 100, server: null, etcd: 12.34 },
      batch: null,
      rounds: [],
    },
    {
      name: "sessions",
      value: { median: 5, least: 5, most: 5 },
      cpu: { client: 31.26, server: 7, etcd: null },
      batch: 25.04,
      rounds: [],
    },
  ],
  ratios: [
    {
      of: "sessions",
      to: "puts",
      median: 1.256,
      least: 1,
      most: 9,
      target: { kind: "at least", value: 1.5 },
      met: false,
    },
  ],
};

const times: NamedComparison = {
  name: "apply",
  description: "what it is",
  unit: "ms",
  contestants: [
    { name: "one", value: { median: 1.005, least: 1, most: 10 }, cpu: null, batch: null, rounds: [] },
  ],
  ratios: [
    { of: "one", to: "two", median: 2, least: 1, most: 3, target: { kind: "below", value: 3 }, met: true },
    { of: "one", to: "three", median: 2, least: 1, most: 3, target: null, met: null },
  ],
};

describe("formatComparison", () => {
  it("shows rates, processor times where they are known, and whether a target is met", () => {
    expect(formatComparison(writes).split("\n")).toEqual([
      "write1: what it is",
      "            per second  least    most  client µs  server µs  etcd µs  per batch",
      "  puts           1,235     99  20,000      100.0          -     12.3          -",
      "  sessions           5      5       5       31.3        7.0        -       25.0",
      "  sessions / puts: 1.26 (1.00 to 9.00), target at least 1.5: NOT MET",
    ]);
  });

  it("shows times without processor times", () => {
    expect(formatComparison(times).split("\n")).toEqual([
      "apply: what it is",
      "         ms  least   most",
      "  one  1.00   1.00  10.00",
      "  one / two: 2.00 (1.00 to 3.00), target below 3: met",
      "  one / three: 2.00 (1.00 to 3.00)",
    ]);
  });

  it("shows amounts as whole numbers", () => {
    expect(formatComparison({ ...times, unit: "MB/s", ratios: [] }).split("\n")[2]).toBe(
      "  one     1      1    10",
    );
  });
});

describe("formatTargets", () => {
  it("shows each ratio that has a target", () => {
    expect(formatTargets([writes, times]).split("\n")).toEqual([
      "                               target  reached         ",
      "write1: sessions / puts  at least 1.5     1.26  NOT MET",
      "apply: one / two              below 3     2.00      met",
    ]);
  });

  it("shows nothing where there is none", () => {
    expect(formatTargets([{ ...times, ratios: [] }])).toBe("");
  });
});
