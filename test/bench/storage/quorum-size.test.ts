import { describe, expect, it } from "vitest";
import { configurationSize, quorumSize } from "../../../bench/storage/quorum-size.js";

describe("quorumSize", () => {
  it.each([
    { nodes: 1, size: 1 },
    { nodes: 2, size: 2 },
    { nodes: 3, size: 2 },
    { nodes: 4, size: 3 },
    { nodes: 5, size: 3 },
    { nodes: 8, size: 5 },
  ])("[W-34] is a majority of $nodes, $size, where fewer than 1 were asked for", ({ nodes, size }) => {
    expect(quorumSize(0, nodes)).toBe(size);
    expect(quorumSize(-1, nodes)).toBe(size);
  });

  it.each([
    { requested: 1, nodes: 4, size: 1 },
    { requested: 2, nodes: 4, size: 2 },
    { requested: 4, nodes: 4, size: 4 },
    { requested: 5, nodes: 4, size: 4 },
    { requested: 100, nodes: 4, size: 4 },
    { requested: 3, nodes: 1, size: 1 },
    { requested: 1, nodes: 1, size: 1 },
  ])("is $size of $nodes nodes if $requested were asked for", ({ requested, nodes, size }) => {
    expect(quorumSize(requested, nodes)).toBe(size);
  });
});

describe("configurationSize", () => {
  it.each([
    { requested: 0, nodes: 3, size: 3 },
    { requested: -5, nodes: 3, size: 3 },
    { requested: 4, nodes: 3, size: 3 },
    { requested: 3, nodes: 3, size: 3 },
    { requested: 1, nodes: 3, size: 1 },
    { requested: 2, nodes: 3, size: 2 },
  ])("is $size of $nodes nodes if $requested were asked for", ({ requested, nodes, size }) => {
    expect(configurationSize(requested, nodes)).toBe(size);
  });
});
