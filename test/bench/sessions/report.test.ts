import { describe, expect, it } from "vitest";
import { formatComparison, formatIdleMemory, formatTableCosts } from "../../../bench/sessions/report.js";

const contestants = [
  {
    name: "syncLoop",
    perSecond: { median: 1_234.5, least: 99.4, most: 20_000 },
    serverMicros: null,
    clientMicros: null,
    rounds: [],
  },
  {
    name: "groupCommit",
    perSecond: { median: 5, least: 5, most: 5 },
    serverMicros: 31.26,
    clientMicros: 7,
    rounds: [],
  },
];
const ratio = { of: "groupCommit", to: "syncLoop", median: 4.256, least: 1, most: 9 };

describe("formatComparison", () => {
  it("shows rates, processor times where they were measured, and whether a target is met", () => {
    const ratios = [
      { ...ratio, atLeast: 4, met: true },
      { ...ratio, atLeast: 8, met: false },
      { ...ratio, atLeast: null, met: null },
    ];
    expect(
      formatComparison({ name: "file1", description: "what it is", contestants, ratios }).split("\n"),
    ).toEqual([
      "file1: what it is",
      "               per second  least    most  server µs  client µs",
      "  syncLoop          1,235     99  20,000          -          -",
      "  groupCommit           5      5       5       31.3        7.0",
      "  groupCommit / syncLoop: 4.26 (1.00 to 9.00), target at least 4: met",
      "  groupCommit / syncLoop: 4.26 (1.00 to 9.00), target at least 8: NOT MET",
      "  groupCommit / syncLoop: 4.26 (1.00 to 9.00)",
    ]);
  });
});

describe("formatTableCosts", () => {
  it("shows check, apply, and both", () => {
    const costs = [
      { sessions: 1_000, requests: 123_456, checkMicros: 0.5, applyMicros: 1.256 },
      { sessions: 100_000, requests: 7, checkMicros: 10, applyMicros: 2 },
    ];
    expect(formatTableCosts(costs).split("\n").slice(1)).toEqual([
      "  sessions  check µs  apply µs  both µs  requests",
      "  1,000         0.50      1.26     1.76   123,456",
      "  100,000      10.00      2.00    12.00         7",
    ]);
  });
});

describe("formatIdleMemory", () => {
  it("shows the bytes of one session", () => {
    expect(formatIdleMemory({ sessions: 100_000, bytesPerSession: 463.7 })).toBe(
      "idle: 464 bytes for each of 100,000 idle sessions without replies",
    );
  });
});
