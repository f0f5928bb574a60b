import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pathsIn } from "../architecture/source-files.js";
import { root } from "./documents.js";

const sources = ["src", "internal"]
  .flatMap((folder) => pathsIn(folder))
  .filter((path) => path.endsWith(".ts") && !path.includes("/gen/"))
  .map((path) => readFileSync(join(root, path), "utf8"));
/** A reason stands behind its name, or names the row of a table of errors. */
const given = new Set(
  sources.flatMap((text) =>
    [...text.matchAll(/\breason: "([A-Z_]+)"|^ {2}([A-Z]+_?[A-Z_]*): \{(?: code: Code\.|$)/gm)].map(
      ([, reason, row]) => reason ?? row,
    ),
  ),
);
const text = readFileSync(join(root, "docs/errors.md"), "utf8");
const documented = new Set([...text.matchAll(/`([A-Z]+(?:_[A-Z]+)*)`/g)].map(([, reason]) => reason));

describe("the reasons of errors", () => {
  it("stand in docs/errors.md, all of them", () => {
    expect(given.size).toBeGreaterThan(20);
    expect([...given].filter((reason) => !documented.has(reason))).toEqual([]);
  });

  it("stand there only as long as some error has them", () => {
    expect([...documented].filter((reason) => !given.has(reason))).toEqual([]);
  });
});
