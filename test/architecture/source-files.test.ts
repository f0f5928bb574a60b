import { describe, expect, it } from "vitest";
import { importsOf } from "./source-files.js";

const at = "src/calls/rpc.ts";

describe("importsOf", () => {
  it.each([
    { text: 'import { a } from "./a.js";', file: "src/calls/a.ts", typeOnly: false },
    { text: 'import {\n  a,\n  type B,\n} from "../b/a.js";', file: "src/b/a.ts", typeOnly: false },
    { text: 'import type { A } from "../a.js";', file: "src/a.ts", typeOnly: true },
    { text: 'import { type A, type B } from "./a.js";', file: "src/calls/a.ts", typeOnly: true },
    { text: 'import * as a from "./a.js";', file: "src/calls/a.ts", typeOnly: false },
    { text: 'import "./a.js";', file: "src/calls/a.ts", typeOnly: false },
    { text: 'export { a } from "../../internal/a.js";', file: "internal/a.ts", typeOnly: false },
    { text: 'export type { A } from "./a.js";', file: "src/calls/a.ts", typeOnly: true },
    { text: 'export * from "./a.js";', file: "src/calls/a.ts", typeOnly: false },
    { text: 'const a = await import("./a.js");', file: "src/calls/a.ts", typeOnly: false },
    { text: 'import grpc from "@grpc/grpc-js";', file: undefined, typeOnly: false },
  ])("sees $text", ({ text, file, typeOnly }) => {
    expect(importsOf(at, text)).toMatchObject([{ file, typeOnly }]);
  });

  it.each([
    '// import { a } from "./a.js";',
    '/**\n * import { a } from "./a.js";\n */',
    'export const a = "./a.js";',
    'export type A = "a" | "b";',
    'file.import("name");',
  ])("sees none in %s", (text) => {
    expect(importsOf(at, text)).toEqual([]);
  });

  it("sees each of several", () => {
    const text =
      'import { a } from "./a.js";\nimport type { B } from "./b.js";\n\nexport const c = [a, "d"];\n';
    expect(importsOf(at, text).map(({ specifier }) => specifier)).toEqual(["./a.js", "./b.js"]);
  });
});
