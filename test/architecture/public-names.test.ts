import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseExports } from "./parse-exports.js";
import { readText } from "./source-files.js";

type Names = Readonly<Record<string, "value" | "type">>;

const listFile = new URL("public-names.json", import.meta.url);
const hint =
  "The public names are not those of test/architecture/public-names.json. If that is meant, write the list anew: " +
  "UPDATE_PUBLIC_NAMES=1 npm test -- test/architecture/public-names";

describe("public names", () => {
  it("are those of the list", () => {
    const actual = Object.fromEntries(entryPoints().map(({ name, source }) => [name, namesOf(source)]));
    if (process.env["UPDATE_PUBLIC_NAMES"] === "1") {
      writeFileSync(listFile, `${JSON.stringify(actual, null, 2)}\n`);
    }
    expect(JSON.parse(readText("test/architecture/public-names.json")), hint).toEqual(actual);
  });
});

describe("parseExports", () => {
  it("tells values from types", () => {
    const text = `
      // The errors.
      export { Code, QuorateError } from "./errors/index.js";
      export type { Node, NodeOrder } from "./configuration/node.js";
      /* Calls. */
      export { createClient, type Client, rpc as call } from "./calls/create-client.js";
    `;
    expect(parseExports(text)).toEqual([
      { name: "Client", kind: "type" },
      { name: "Code", kind: "value" },
      { name: "Node", kind: "type" },
      { name: "NodeOrder", kind: "type" },
      { name: "QuorateError", kind: "value" },
      { name: "call", kind: "value" },
      { name: "createClient", kind: "value" },
    ]);
  });

  it.each(['export * from "./node.js";', "export const a = 1;", 'import { a } from "./a.js";'])(
    "refuses %s",
    (text) => {
      expect(() => parseExports(text)).toThrow("nothing but lists of exports");
    },
  );
});

function entryPoints(): { readonly name: string; readonly source: string }[] {
  const manifest = JSON.parse(readText("package.json")) as {
    readonly name: string;
    readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
  };
  return Object.entries(manifest.exports).flatMap(([path, target]) => {
    if (typeof target === "string") return [];
    const source = target.types.replace("./dist/", "").replace(/\.d\.ts$/, ".ts");
    return [{ name: manifest.name + path.slice(1), source }];
  });
}

function namesOf(source: string): Names {
  if (!existsSync(fileURLToPath(new URL(`../../${source}`, import.meta.url)))) return {};
  return Object.fromEntries(parseExports(readText(source)).map(({ name, kind }) => [name, kind]));
}
