import { array, assert, constantFrom, integer, property, uniqueArray } from "fast-check";
import { Code, type Configuration, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { NodeSet, nodesOf, peerNodeOf } from "../../src/configuration/configuration.js";
import { PeerNode } from "../../src/configuration/node.js";
import { EventHub } from "../../src/configuration/quorate-event.js";

const settings = { defaultTimeoutMs: 1_000, maxMessageBytes: 1_000, events: new EventHub(undefined) };
/** Ten nodes of one pool. */
const pool = Array.from({ length: 10 }, (_, at) => new PeerNode(at + 1, `127.0.0.1:${9081 + at}`, settings));

function configurationOf(...ids: number[]): Configuration {
  return new NodeSet(pool.filter((node) => ids.includes(node.id)));
}

describe("Configuration", () => {
  it("[NL-03] [NL-15] orders its nodes by id, and prints both", () => {
    const configuration = new NodeSet(pool.slice(0, 3).toReversed());
    expect(configuration.ids).toEqual([1, 2, 3]);
    expect([...configuration]).toEqual(configuration.nodes);
    expect(`${configuration}`).toBe("{1, 2, 3}");
    expect(`${configuration.node(2)}`).toBe("node 2 | addr: 127.0.0.1:9082");
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

  it("[CF-03] [CF-04] [CF-05] works without any node", () => {
    const empty = configurationOf();
    expect(empty).toMatchObject({ ids: [], nodes: [], size: 0 });
    expect(empty.has(1)).toBe(false);
    expect(empty.equals(configurationOf())).toBe(true);
    expect(empty.equals(configurationOf(1))).toBe(false);
    expect(empty.without(1).size).toBe(0);
    expect(empty.difference(configurationOf(1)).size).toBe(0);
    expect(empty.union(configurationOf()).size).toBe(0);
  });

  it.each([
    { left: [], right: [1, 2], union: [1, 2], difference: [], row: "CF-06" },
    { left: [1, 2], right: [], union: [1, 2], difference: [1, 2], row: "CF-07" },
    { left: [1, 2, 3], right: [2], union: [1, 2, 3], difference: [1, 3], row: "CF-09" },
    { left: [1, 2], right: [2, 3], union: [1, 2, 3], difference: [1], row: "CF-12" },
    { left: [1, 2, 3, 4, 5], right: [1, 2, 3], union: [1, 2, 3, 4, 5], difference: [4, 5], row: "CF-14" },
    { left: [4, 5], right: [1, 9], union: [1, 4, 5, 9], difference: [4, 5], row: "CF-15" },
  ])("[$row] unites and subtracts $left and $right", ({ left, right, union, difference }) => {
    const one = configurationOf(...left);
    const other = configurationOf(...right);
    expect(one.union(other).ids).toEqual(union);
    expect(one.difference(other).ids).toEqual(difference);
    // Neither has changed.
    expect(one.ids).toEqual(left);
    expect(other.ids).toEqual(right);
  });

  it("[CF-10] [CF-13] leaves out nodes by id or as nodes; strangers are no error", () => {
    const configuration = configurationOf(1, 2, 3, 4);
    const [, second] = configuration.nodes;
    expect(configuration.without(3).ids).toEqual([1, 2, 4]);
    expect(configuration.without(1, second ?? 0, 999).ids).toEqual([3, 4]);
    expect(configuration.without(...configuration).ids).toEqual([]);
    expect(configuration.without().ids).toEqual([1, 2, 3, 4]);
  });

  it("[W-22] refuses a union in which one id stands for two nodes", () => {
    const stranger = new NodeSet([new PeerNode(2, "127.0.0.1:7000", settings)]);
    expect(() => configurationOf(1, 2).union(stranger)).toThrow(
      expect.objectContaining({
        code: Code.InvalidArgument,
        message: expect.stringMatching(/id 2 .*127\.0\.0\.1:9082 and 127\.0\.0\.1:7000/) as string,
      }),
    );
    expect(configurationOf(1, 3).union(stranger).nodes[1]).toBe(stranger.nodes[0]);
  });

  it("[CF-16] is equal by its ids", () => {
    expect(configurationOf(1, 2).equals(configurationOf(2, 1))).toBe(true);
    expect(configurationOf(1, 2).equals(configurationOf(1, 3))).toBe(false);
    expect(configurationOf(1, 2).equals(configurationOf(1, 2, 3))).toBe(false);
  });

  it("is told apart from objects that only look like one", () => {
    const lookalike = { nodes: pool, ids: [1], size: 1 } as unknown as Configuration;
    expect(() => nodesOf(lookalike)).toThrow(expect.objectContaining({ code: Code.InvalidArgument }));
    expect(() => peerNodeOf({ id: 1, address: "127.0.0.1:9081" } as PeerNode)).toThrow(
      expect.objectContaining({ code: Code.InvalidArgument }),
    );
    expect(() => configurationOf(1).union(lookalike)).toThrow(/this is no configuration/);
  });
});

describe("the algebra of configurations is that of sets", () => {
  const ids = uniqueArray(integer({ min: 1, max: 10 }));
  type Operation = "union" | "difference" | "without";
  const operation = constantFrom<Operation>("union", "difference", "without");

  const applied = (kind: Operation, configuration: Configuration, right: readonly number[]) =>
    kind === "without" ? configuration.without(...right) : configuration[kind](configurationOf(...right));
  const expected = (kind: Operation, left: ReadonlySet<number>, right: readonly number[]) =>
    kind === "union" ? new Set([...left, ...right]) : new Set([...left].filter((id) => !right.includes(id)));

  it("in any chain of operations", () => {
    assert(
      property(
        ids,
        array(operation, { maxLength: 6 }),
        array(ids, { minLength: 6, maxLength: 6 }),
        (start, kinds, rights) => {
          let configuration = configurationOf(...start);
          let set: ReadonlySet<number> = new Set(start);
          for (const [at, kind] of kinds.entries()) {
            const right = rights[at] ?? [];
            configuration = applied(kind, configuration, right);
            set = expected(kind, set, right);
          }
          expect(configuration.ids).toEqual([...set].sort((a, b) => a - b));
          expect(configuration.size).toBe(set.size);
          expect(configuration.nodes.every((node) => pool.includes(node as PeerNode))).toBe(true);
          for (let id = 0; id <= 11; id++) expect(configuration.has(id)).toBe(set.has(id));
          expect(configuration.equals(configurationOf(...set))).toBe(true);
        },
      ),
    );
  });

  it("with the laws of union, difference and equality", () => {
    assert(
      property(ids, ids, (left, right) => {
        const [one, other] = [configurationOf(...left), configurationOf(...right)];
        expect(one.union(other).equals(other.union(one))).toBe(true);
        expect(one.difference(other).union(other).equals(one.union(other))).toBe(true);
        expect(one.difference(other).equals(one.without(...other))).toBe(true);
        expect(one.union(one).equals(one)).toBe(true);
        expect(one.equals(other)).toBe(other.equals(one));
      }),
    );
  });
});
