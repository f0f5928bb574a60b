import { describe, expect, it } from "vitest";
import { benchmarks, selectBenchmarks } from "../../../bench/storage/benchmarks.js";

describe("selectBenchmarks", () => {
  it.each([
    { pattern: /./, names: ["AsyncQuorumCall", "Multicast", "QuorumCall", "SlowServer"] },
    { pattern: /QuorumCall/, names: ["AsyncQuorumCall", "QuorumCall"] },
    { pattern: /^QuorumCall$/, names: ["QuorumCall"] },
    { pattern: /^S|cast$/, names: ["Multicast", "SlowServer"] },
    { pattern: /quorum/, names: [] },
  ])("[BM-05] picks those whose names match $pattern, sorted by name", ({ pattern, names }) => {
    expect(selectBenchmarks(pattern).map(({ name }) => name)).toEqual(names);
  });
});

describe("benchmarks", () => {
  const settings = { concurrent: 3, maxAsync: 7, payloadBytes: 0, quorumSize: 1 };

  it.each([
    { name: "QuorumCall", lanes: 3 },
    { name: "AsyncQuorumCall", lanes: 7 },
    { name: "SlowServer", lanes: 3 },
    { name: "Multicast", lanes: 3 },
  ])("$name has $lanes calls under way where --concurrent is 3 and --max-async 7", ({ name, lanes }) => {
    expect(benchmarks.find((benchmark) => benchmark.name === name)?.lanes(settings)).toBe(lanes);
  });
});
