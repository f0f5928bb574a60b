import { describe, expect, it } from "vitest";
import { isGenerated, pathsIn, sourceFiles } from "./source-files.js";

const maxLines = 300;

describe("source files", () => {
  it(`have at most ${maxLines} lines`, () => {
    const long = sourceFiles("src", "internal", "protoc-gen-quorate/src", "examples", "bench")
      .filter(({ path }) => !isGenerated(path))
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
      .filter(({ lines }) => lines > maxLines);
    expect(long).toEqual([]);
  });

  it("are named in kebab-case", () => {
    const folders = ["src", "internal", "protoc-gen-quorate/src", "examples", "bench", "test", "scripts"];
    const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.test-d)?\.(ts|mjs)$/;
    const odd = folders
      .flatMap((folder) => pathsIn(folder))
      .filter((path) => /\.[cm]?[jt]sx?$/.test(path) && !isGenerated(path))
      .filter((path) => !kebabCase.test(path.slice(path.lastIndexOf("/") + 1)));
    expect(odd).toEqual([]);
  });
});
