import { byId, byLastError, byLatency, Code, type NodeOrder, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { NodeSet } from "../../src/configuration/node-set.js";
import { configurationOf, type NodePast, testNode } from "./test-nodes.js";

const error = new QuorateError(Code.Unavailable, "unreachable");
const failed = { error };
const took = (latencyMs: number): NodePast => ({ latenciesMs: [latencyMs] });

/** The ids of these nodes, which come in this order, once they are sorted. */
function sorted(nodes: readonly (readonly [number, NodePast])[], ...orders: NodeOrder[]): readonly number[] {
  const given = new NodeSet(
    nodes.map(([id, past]) => testNode(id, past)),
    "asGiven",
  );
  return given.sortBy(...orders).ids;
}

describe("Configuration.sortBy", () => {
  it("[SW-01] sorts by ascending id", () => {
    const nodes = [100, 101, 42, 99].map((id) => [id, {}] as const);
    expect(sorted(nodes, byId)).toEqual([42, 99, 100, 101]);
  });

  it("[SW-02] puts the nodes without a last error first", () => {
    expect(
      sorted(
        [
          [100, failed],
          [101, {}],
          [42, failed],
          [99, {}],
        ],
        byLastError,
      ),
    ).toEqual([101, 99, 100, 42]);
  });

  it("[SW-03] sorts by last error, then by id", () => {
    expect(
      sorted(
        [
          [100, {}],
          [101, failed],
          [42, {}],
          [99, failed],
        ],
        byLastError,
        byId,
      ),
    ).toEqual([42, 100, 99, 101]);
  });

  it("[SW-04] sorts by ascending latency, nodes that were not measured last", () => {
    expect(
      sorted(
        [
          [1, took(30)],
          [2, took(10)],
          [3, {}],
          [4, took(20)],
        ],
        byLatency,
      ),
    ).toEqual([2, 4, 1, 3]);
  });

  it("[SW-05] leaves nodes in their order if none was measured", () => {
    const nodes = [3, 1, 2].map((id) => [id, {}] as const);
    expect(sorted(nodes, byLatency)).toEqual([3, 1, 2]);
  });

  it("[SW-06] breaks the ties of equal latencies by id", () => {
    const nodes = [10, 5, 7].map((id) => [id, took(15)] as const);
    expect(sorted(nodes, byLatency)).toEqual([10, 5, 7]);
    expect(sorted(nodes, byLatency, byId)).toEqual([5, 7, 10]);
  });

  it("[SW-07] composes its orders, the first decides first, in a new configuration", () => {
    const given = new NodeSet([
      testNode(1, { ...took(10), ...failed }),
      testNode(2, took(30)),
      testNode(3, took(20)),
      testNode(4, { ...took(5), ...failed }),
    ]);
    const result = given.sortBy(byLastError, byLatency);
    expect(result.ids).toEqual([3, 2, 4, 1]);
    expect(given.sortBy(byLatency, byLastError).ids).toEqual([4, 1, 3, 2]);
    expect(given.ids).toEqual([1, 2, 3, 4]);
    expect(given.nodes.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(result.nodes).not.toBe(given.nodes);
    expect(result.node(3)).toBe(given.node(3));
  });

  it("keeps the order as it is without any comparator, and takes those of users", () => {
    const reversed = configurationOf(1, 2, 3).sortBy((a, b) => b.id - a.id);
    expect(reversed.ids).toEqual([3, 2, 1]);
    expect(reversed.sortBy().ids).toEqual([3, 2, 1]);
  });

  it("refuses what is no comparator", () => {
    expect(() => configurationOf(1, 2).sortBy("id" as unknown as NodeOrder)).toThrow(
      expect.objectContaining({ code: Code.InvalidArgument }),
    );
  });
});
