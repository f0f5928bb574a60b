import { describe, expect, it } from "vitest";
import { formatTable, toJsonResult } from "../../../bench/storage/report.js";
import type { BenchmarkResult } from "../../../bench/storage/run-benchmark.js";

const server = (node: number, heapBytes: number, collections: number) => ({
  node,
  address: `h:${node}`,
  heapBytes,
  collections,
});

const some: BenchmarkResult = {
  name: "QuorumCall",
  operations: 4,
  perSecond: 1_234.567,
  latency: { count: 4, mean: 0.81049, squares: 0.75 },
  client: { heapBytes: 4_002, collections: 2 },
  servers: [server(1, 800, 1), server(2, 1_201, 0)],
};
const none: BenchmarkResult = {
  name: "Multicast",
  operations: 0,
  perSecond: 0,
  latency: { count: 0, mean: 0, squares: 0 },
  client: { heapBytes: 50, collections: 0 },
  servers: [server(1, 10, 0), server(2, 20, 0)],
};

describe("formatTable", () => {
  it("shows rate, mean and deviation, and the memory of client and servers together", () => {
    expect(formatTable([none, some], { serverStats: false }).split("\n")).toEqual([
      "Benchmark   ops/sec  mean ms  std-dev ms  client+servers B/op  GCs",
      "Multicast      0.00        -           -                    -    0",
      "QuorumCall  1234.57    0.810       0.500                 1501    3",
    ]);
  });

  it("shows the memory of each server on its own if asked for", () => {
    expect(formatTable([none, some], { serverStats: true }).split("\n")).toEqual([
      "Benchmark   ops/sec  mean ms  std-dev ms  client B/op  GCs  server 1 B/op  GCs  server 2 B/op  GCs",
      "Multicast      0.00        -           -            -    0              -    0              -    0",
      "QuorumCall  1234.57    0.810       0.500         1001    2            200    1            300    0",
    ]);
  });
});

describe("toJsonResult", () => {
  it("has the numbers, and those of each process", () => {
    expect(toJsonResult(some)).toEqual({
      name: "QuorumCall",
      operations: 4,
      opsPerSecond: 1_234.567,
      latencyMeanMs: 0.81049,
      latencyStdDevMs: 0.5,
      heapBytesPerOp: 1_500.75,
      collections: 3,
      client: some.client,
      servers: some.servers,
    });
  });

  it("[W-34] has null for what cannot be said of no operation", () => {
    expect(toJsonResult(none)).toMatchObject({
      operations: 0,
      opsPerSecond: 0,
      latencyMeanMs: null,
      latencyStdDevMs: null,
      heapBytesPerOp: null,
    });
  });
});
