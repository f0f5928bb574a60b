import { describe, expect, it } from "vitest";
import { findCycles } from "./find-cycles.js";
import { roomOf } from "./layers.js";
import { type SourceFile, sourceFiles } from "./source-files.js";

const trees = [
  { name: "the library", files: sourceFiles("src", "internal"), folderOf: roomOf },
  { name: "the generator", files: sourceFiles("protoc-gen-quorate/src"), folderOf: parentOf },
  { name: "the examples", files: sourceFiles("examples"), folderOf: parentOf },
  { name: "the tests", files: sourceFiles("test"), folderOf: undefined },
];

describe("import cycles", () => {
  it.each(trees)("there is none between files of $name", ({ files }) => {
    // A type import is gone at run time, where a cycle would bite.
    expect(findCycles(edges(files, (path) => path, { types: false }))).toEqual([]);
  });

  it.each(trees.filter(({ folderOf }) => folderOf !== undefined))(
    "there is none between folders of $name, types included",
    ({ files, folderOf = parentOf }) => {
      expect(findCycles(edges(files, folderOf, { types: true }))).toEqual([]);
    },
  );
});

describe("findCycles", () => {
  it.each([
    { name: "nothing", graph: {}, cycles: [] },
    { name: "a diamond", graph: { a: ["b", "c"], b: ["d"], c: ["d"], d: [] }, cycles: [] },
    { name: "two that import each other", graph: { a: ["b"], b: ["a"], c: ["a"] }, cycles: ["a → b → a"] },
    {
      name: "a longer one",
      graph: { a: ["b"], b: ["c"], c: ["d"], d: ["b"] },
      cycles: ["b → c → d → b"],
    },
  ])("in $name", ({ graph, cycles }) => {
    const map = new Map(Object.entries(graph).map(([from, to]) => [from, new Set<string>(to)]));
    expect(findCycles(map)).toEqual(cycles);
  });
});

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function edges(
  files: readonly SourceFile[],
  nodeOf: (path: string) => string,
  { types }: { readonly types: boolean },
): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const { path, imports } of files) {
    const from = nodeOf(path);
    const targets = graph.get(from) ?? new Set<string>();
    graph.set(from, targets);
    for (const { file, typeOnly } of imports) {
      if (file === undefined || (typeOnly && !types)) continue;
      const to = nodeOf(file);
      if (to !== from) targets.add(to);
    }
  }
  return graph;
}
