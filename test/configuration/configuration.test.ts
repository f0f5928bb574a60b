import { Code, type Configuration, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { NodeSet, nodesOf, peerNodeOf } from "../../src/configuration/node-set.js";
import { PeerNode } from "../../src/configuration/peer-node.js";
import { configurationOf, inOrder, invalid, pool, settings } from "./test-nodes.js";

describe("Configuration", () => {
  it("[NL-03] orders its nodes by id", () => {
    const configuration = new NodeSet(pool.filter(({ id }) => [1, 2, 10].includes(id)).toReversed());
    // As numbers: as text, 10 would come before 2.
    expect(configuration.ids).toEqual([1, 2, 10]);
    expect([...configuration]).toEqual(configuration.nodes);
    expect(`${configuration}`).toBe("{1, 2, 10}");
    expect(`${configurationOf()}`).toBe("{}");
  });

  it("cannot be changed", () => {
    const { nodes, ids } = configurationOf(1, 2);
    expect(() => (nodes as unknown[]).pop()).toThrow(TypeError);
    expect(() => (ids as number[]).push(3)).toThrow(TypeError);
  });

  it("finds a node by its id, and throws NotFound for another", () => {
    const configuration = configurationOf(1, 3);
    expect(configuration.node(3)).toBe(pool[2]);
    expect(configuration.has(3)).toBe(true);
    expect(configuration.has(2)).toBe(false);
    expect(() => configuration.node(2)).toThrow(
      new QuorateError(Code.NotFound, "quorate: no node 2 in the configuration {1, 3}"),
    );
  });

  it("[CF-03] [CF-05] works without any node", () => {
    const empty = configurationOf();
    expect(empty).toMatchObject({ ids: [], nodes: [], size: 0 });
    expect(empty.has(1)).toBe(false);
    expect(empty.equals(configurationOf())).toBe(true);
    expect(empty.equals(configurationOf(1))).toBe(false);
    expect(empty.union(configurationOf()).size).toBe(0);
    expect(empty.without(1).size).toBe(0);
    expect(empty.only(1).size).toBe(0);
    expect(empty.take(1).size).toBe(0);
    expect(empty.difference(configurationOf(1)).size).toBe(0);
    expect(empty.sortBy((a, b) => b.id - a.id).size).toBe(0);
    expect(empty.add(...configurationOf(1)).ids).toEqual([1]);
  });

  it.each([
    { row: "[CF-06]", left: [], right: [1, 2], union: [1, 2], difference: [] },
    { row: "[CF-07]", left: [1, 2], right: [], union: [1, 2], difference: [1, 2] },
    { row: "[CF-12]", left: [1, 2, 3], right: [2], union: [1, 2, 3], difference: [1, 3] },
    { row: "[CF-12]", left: [1, 2], right: [2, 3], union: [1, 2, 3], difference: [1] },
    { row: "[CF-14]", left: [1, 2, 3, 4, 5], right: [1, 2, 3], union: [1, 2, 3, 4, 5], difference: [4, 5] },
    { row: "Also", left: [4, 5], right: [1, 9], union: [1, 4, 5, 9], difference: [4, 5] },
  ])("$row unites and subtracts $left and $right", ({ left, right, union, difference }) => {
    const one = configurationOf(...left);
    const other = configurationOf(...right);
    const united = one.union(other);
    expect(united.ids).toEqual(union);
    expect(united.nodes).toEqual(pool.filter(({ id }) => union.includes(id)));
    expect(one.difference(other).ids).toEqual(difference);
    // A list of its own, and neither has changed.
    expect(united.nodes).not.toBe(one.nodes);
    expect(united.nodes).not.toBe(other.nodes);
    expect(one.ids).toEqual(left);
    expect(other.ids).toEqual(right);
  });

  it.each([
    { row: "[CF-09]", ids: [1, 2, 3], added: [2, 3], result: [1, 2, 3] },
    { row: "[CF-11]", ids: [1, 2], added: [3, 3, 3], result: [1, 2, 3] },
    { row: "Also", ids: [2, 3], added: [], result: [2, 3] },
    { row: "Also", ids: [2, 3], added: [9, 1], result: [1, 2, 3, 9] },
  ])("$row adds the nodes $added to $ids", ({ ids, added, result }) => {
    const configuration = configurationOf(...ids);
    const nodes = added.map((id) => configurationOf(id).node(id));
    expect(configuration.add(...nodes).equals(configurationOf(...result))).toBe(true);
    expect(configuration.ids).toEqual(ids);
  });

  it("[CF-13] leaves out nodes by id or as nodes; strangers are no error", () => {
    const configuration = configurationOf(1, 2, 3);
    const second = configuration.node(2);
    expect(configuration.without(3).ids).toEqual([1, 2]);
    expect(configuration.without(1, second).ids).toEqual([3]);
    expect(configuration.without(1, 999).ids).toEqual([2, 3]);
    expect(configuration.without(...configuration).ids).toEqual([]);
    expect(configuration.without().ids).toEqual([1, 2, 3]);
  });

  it("keeps only the nodes that are named; strangers are no error", () => {
    const configuration = configurationOf(1, 2, 3, 4);
    expect(configuration.only(3, configuration.node(1)).ids).toEqual([1, 3]);
    expect(configuration.only(2, 999).ids).toEqual([2]);
    expect(configuration.only().ids).toEqual([]);
  });

  it("takes the first nodes of its order", () => {
    const configuration = inOrder(4, 2, 7, 1);
    expect(configuration.take(2).ids).toEqual([4, 2]);
    expect(configuration.take(0).ids).toEqual([]);
    expect(configuration.take(9).ids).toEqual([4, 2, 7, 1]);
    for (const count of [-1, 1.5, Number.NaN, "2"]) {
      expect(() => configuration.take(count as number)).toThrow(`it is ${count}`);
    }
  });

  it("[CF-15] sorts by id what it adds to, and keeps the order of what it takes from", () => {
    const configuration = inOrder(4, 2, 7, 1);
    expect(configuration.ids).toEqual([4, 2, 7, 1]);
    expect(configuration.without(2).ids).toEqual([4, 7, 1]);
    expect(configuration.only(1, 2, 4).ids).toEqual([4, 2, 1]);
    expect(configuration.difference(configurationOf(7)).ids).toEqual([4, 2, 1]);
    expect(configuration.union(inOrder(9, 3)).ids).toEqual([1, 2, 3, 4, 7, 9]);
    expect(configuration.add().ids).toEqual([1, 2, 4, 7]);
    expect(configuration.add(...inOrder(5, 3)).ids).toEqual([1, 2, 3, 4, 5, 7]);
  });

  it("[CF-16] is equal only if the ids are the same at every place", () => {
    expect(configurationOf(1, 2).equals(configurationOf(2, 1))).toBe(true);
    expect(configurationOf(1, 2).equals(configurationOf(1, 3))).toBe(false);
    expect(configurationOf(1, 2).equals(configurationOf(1, 2, 3))).toBe(false);
    expect(configurationOf(1, 2).equals(inOrder(2, 1))).toBe(false);
    expect(inOrder(2, 1).equals(inOrder(2, 1))).toBe(true);
  });

  it("[W-22] refuses a union in which one id stands for two nodes", () => {
    const stranger = new NodeSet([new PeerNode(2, "127.0.0.1:7000", settings)]);
    const refusal = expect.objectContaining({
      code: Code.InvalidArgument,
      message: expect.stringMatching(/id 2 .*127\.0\.0\.1:9082 and 127\.0\.0\.1:7000/) as string,
    }) as Error;
    expect(() => configurationOf(1, 2).union(stranger)).toThrow(refusal);
    expect(() => configurationOf(1, 2).add(...stranger)).toThrow(refusal);
    expect(configurationOf(1, 3).union(stranger).nodes[1]).toBe(stranger.nodes[0]);
    expect(configurationOf(1, 3).add(...stranger).nodes[1]).toBe(stranger.nodes[0]);
  });

  it("is told apart from objects that only look like one", () => {
    const lookalike = { nodes: pool, ids: [1], size: 1 } as unknown as Configuration;
    expect(() => nodesOf(lookalike)).toThrow(invalid("this is no configuration"));
    expect(() => peerNodeOf({ id: 1, address: "127.0.0.1:9081" } as PeerNode)).toThrow(
      invalid("can be called"),
    );
    expect(() => configurationOf(1).union(lookalike)).toThrow(/this is no configuration/);
    expect(() => configurationOf(1).add(2 as unknown as PeerNode)).toThrow(invalid(""));
  });
});
