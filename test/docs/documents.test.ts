import { describe, expect, it } from "vitest";
import { documentFiles } from "./document-files.js";
import { readDocument, readDocuments } from "./documents.js";

describe("readDocument", () => {
  const markdown = [
    "# Title",
    "Text with `code` and `more code`.",
    "```ts no-run",
    "const a = `1`;",
    "# no heading",
    "```",
    "It prints:",
    "```text",
    "1",
    "```",
    "## Next",
    "```text",
    "2",
    "```",
    "~~~sh",
    "```",
    "~~~",
  ].join("\n");

  it("finds the blocks, with their lines, and what a block prints under the same heading", () => {
    const { blocks } = readDocument("a.md", markdown);
    expect(blocks.map(({ place, language, flags }) => [place, language, ...flags])).toEqual([
      ["a.md:3", "ts", "no-run"],
      ["a.md:8", "text"],
      ["a.md:12", "text"],
      ["a.md:15", "sh"],
    ]);
    expect(blocks[0]).toMatchObject({ text: "const a = `1`;\n# no heading\n", prints: "1\n" });
    expect(blocks[1]).toMatchObject({ text: "1\n", prints: undefined });
    expect(blocks[3]).toMatchObject({ text: "```\n" });
  });

  it("finds the code within lines, but not that in blocks", () => {
    expect(readDocument("a.md", markdown).spans).toEqual([
      { place: "a.md:2", text: "code" },
      { place: "a.md:2", text: "more code" },
    ]);
  });

  it("refuses a block without an end", () => {
    expect(() => readDocument("a.md", "text\n```ts\n1\n")).toThrow("a.md:2: the block has no end");
  });
});

describe("documentFiles", () => {
  const filesOf = (markdown: string) => [...documentFiles(readDocument("a.md", markdown)).files];

  it("puts a .proto file where its package says, with the messages that it lacks", () => {
    const proto = "package a.b.v1;\nrpc Get(Key) returns (stream Value);\nmessage Key {}\n";
    const expected: [string, string] = ["proto/a/b/v1/b.proto", `${proto}message Value {}\n`];
    expect(filesOf(`\`\`\`proto\n${proto}\`\`\``)).toEqual([expected]);
  });

  it("names a program after its line, unless it says its name for others to import", () => {
    const { programs } = documentFiles(
      readDocument("a.md", "```ts no-run file=servers.ts\n1;\n```\n```ts\n2;\n```\n"),
    );
    expect(programs.map(({ file }) => file)).toEqual(["servers.ts", "line-4.ts"]);
  });

  it.each([
    { yaml: "# buf.gen.yaml\nversion: v2\n", file: "buf.gen.yaml" },
    { yaml: "# buf.yaml\nversion: v2\n", file: "buf.yaml" },
    { yaml: "version: v2\nmodules:\n", file: "buf.yaml" },
    { yaml: "version: v2\nplugins:\n", file: "buf.gen.yaml" },
  ])("knows $file by its first line, or by what is in it", ({ yaml, file }) => {
    expect(filesOf(`\`\`\`yaml\n${yaml}\`\`\``)).toEqual([[file, yaml]]);
  });

  it.each([
    { block: "```proto\nmessage A {}\n```", reason: "a.md:1: the .proto file has no package" },
    { block: "```yaml\na: 1\n```", reason: "a.md:1: neither buf.yaml nor buf.gen.yaml" },
  ])("refuses a block that it cannot place: $reason", ({ block, reason }) => {
    expect(() => filesOf(block)).toThrow(reason);
  });
});

describe("the documents", () => {
  // Code in another language, or under another name of one of these, would go untested.
  const tested = ["proto", "protobuf", "sh", "ts", "yaml"];
  const pictures = ["mermaid", "text"];

  it.each(readDocuments())("$path: every block is of a language that is tested, or no code", ({ blocks }) => {
    const odd = blocks.filter(({ language }) => ![...tested, ...pictures].includes(language));
    expect(odd.map(({ place, language }) => `${place}: ${language}`)).toEqual([]);
  });
});
