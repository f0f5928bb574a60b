import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the project. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** A markdown file, its path from the root of the project. */
export interface MarkdownDocument {
  readonly path: string;
  readonly blocks: readonly CodeBlock[];
  /** What stands in backticks outside of the blocks. */
  readonly spans: readonly CodeSpan[];
}

/** A fenced block. */
export interface CodeBlock {
  /** `README.md:83`: the document, and the line of the fence. */
  readonly place: string;
  /** The line of the fence, from 1 on. */
  readonly line: number;
  readonly language: string;
  /** What follows the language on the line of the fence. */
  readonly flags: readonly string[];
  /** The lines within, each with its end. */
  readonly text: string;
  /** The text of the next block, if that is a `text` block under the same heading: what this one prints. */
  readonly prints: string | undefined;
}

/** Code within a line. */
export interface CodeSpan {
  readonly place: string;
  readonly text: string;
}

/** The documents whose code is tested. */
export function readDocuments(): MarkdownDocument[] {
  const docs = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  const paths = ["README.md", "CONTRIBUTING.md", ...docs.sort().map((name) => `docs/${name}`)];
  return [
    ...paths,
    "protoc-gen-quorate/README.md",
    "examples/storage/README.md",
    "examples/bank/README.md",
    "examples/gateway/README.md",
    "bench/storage/README.md",
    "bench/sessions/README.md",
    "bench/context/README.md",
    "bench/etcd/README.md",
  ].map((path) => readDocument(path, readFileSync(join(root, path), "utf8")));
}

/** The code of one document. Throws if a block has no end. */
export function readDocument(path: string, markdown: string): MarkdownDocument {
  const blocks: CodeBlock[] = [];
  const spans: CodeSpan[] = [];
  let open: { fence: string; line: number; info: string[]; text: string } | undefined;
  let headingSince = true;
  for (const [at, line] of markdown.split("\n").entries()) {
    const place = `${path}:${at + 1}`;
    if (open !== undefined) {
      if (line.trim() !== open.fence) {
        open.text += `${line}\n`;
        continue;
      }
      const [language = "", ...flags] = open.info;
      const { line: begin, text } = open;
      const before = blocks.at(-1);
      if (language === "text" && before !== undefined && !headingSince) {
        blocks[blocks.length - 1] = { ...before, prints: text };
      }
      blocks.push({ place: `${path}:${begin}`, line: begin, language, flags, text, prints: undefined });
      headingSince = false;
      open = undefined;
      continue;
    }
    const [, fence, info = ""] = /^(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (fence !== undefined) {
      open = { fence, line: at + 1, info: info.split(/\s+/).filter((word) => word !== ""), text: "" };
    } else {
      if (/^#+ /.test(line)) headingSince = true;
      for (const [, text = ""] of line.matchAll(/`([^`]+)`/g)) spans.push({ place, text });
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: the block has no end`);
  return { path, blocks, spans };
}
