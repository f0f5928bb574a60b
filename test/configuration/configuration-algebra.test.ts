import { array, assert, constantFrom, integer, property, uniqueArray } from "fast-check";
import type { Configuration } from "quorate";
import { describe, expect, it } from "vitest";
import type { PeerNode } from "../../src/configuration/peer-node.js";
import { configurationOf, pool } from "./test-nodes.js";

describe("the algebra of configurations is that of sets", () => {
  const ids = uniqueArray(integer({ min: 1, max: 10 }));
  const kinds = ["union", "add", "difference", "without", "only"] as const;
  type Operation = (typeof kinds)[number];
  const operation = constantFrom<Operation>(...kinds);

  const applied = (kind: Operation, configuration: Configuration, right: readonly number[]) => {
    if (kind === "without" || kind === "only") return configuration[kind](...right);
    const other = configurationOf(...right);
    return kind === "add" ? configuration.add(...other) : configuration[kind](other);
  };
  const expected = (kind: Operation, left: ReadonlySet<number>, right: readonly number[]) => {
    if (kind === "union" || kind === "add") return new Set([...left, ...right]);
    return new Set([...left].filter((id) => right.includes(id) === (kind === "only")));
  };

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
