import type { CodeBlock, MarkdownDocument } from "./documents.js";

/** A TypeScript block, and what becomes of it. */
export interface Program {
  readonly block: CodeBlock;
  /** From the folder of the document. */
  readonly file: string;
}

/** What a document describes: the .proto files and the buf files of a user, by path, and the programs. */
export interface DocumentFiles {
  readonly document: string;
  readonly files: ReadonlyMap<string, string>;
  readonly programs: readonly Program[];
  /** Blocks that show generated code. */
  readonly excerpts: readonly CodeBlock[];
  /** Whether there is something to generate from. */
  readonly generates: boolean;
}

/** Sorts the blocks of a document by what they are. */
export function documentFiles({ path, blocks }: MarkdownDocument): DocumentFiles {
  const files = new Map<string, string>();
  const programs: Program[] = [];
  const excerpts: CodeBlock[] = [];
  for (const block of blocks) {
    if (block.language === "proto" || block.language === "protobuf") {
      files.set(protoPath(block), withMissingMessages(block.text));
    } else if (block.language === "yaml") {
      files.set(yamlPath(block), block.text);
    } else if (block.language === "ts") {
      if (block.text.includes("@generated from")) excerpts.push(block);
      else programs.push({ block, file: programPath(block) });
    }
  }
  const generates = [...files.keys()].some((file) => file.endsWith(".proto"));
  return { document: path, files, programs, excerpts, generates };
}

/** `package a.b.v1` lies in `proto/a/b/v1/b.proto`, as buf lints it and as the documents say it. */
function protoPath({ place, text }: CodeBlock): string {
  const [, name] = /^package ([\w.]+);$/m.exec(text) ?? [];
  const segments = name?.split(".") ?? [];
  const last = segments.findLast((segment) => !/^v\d+\w*$/.test(segment));
  if (last === undefined) throw new Error(`${place}: the .proto file has no package`);
  return ["proto", ...segments, `${last}.proto`].join("/");
}

/** A block that others import says its name behind the language: `ts file=servers.ts`. */
function programPath({ flags, line }: CodeBlock): string {
  const [name] = flags.flatMap((flag) => /^file=([a-z][\w-]*\.ts)$/.exec(flag)?.[1] ?? []);
  return name ?? `line-${line}.ts`;
}

/** A document may show services alone: messages that are named and not there are added, without fields. */
function withMissingMessages(proto: string): string {
  const named = [...proto.matchAll(/[(]\s*(?:stream\s+)?([A-Z]\w*)\s*[)]/g)].map(([, name]) => name);
  const missing = [...new Set(named)].filter((name) => !new RegExp(`^message ${name}\\b`, "m").test(proto));
  return [proto, ...missing.map((name) => `message ${name} {}\n`)].join("");
}

function yamlPath({ place, text }: CodeBlock): string {
  const [, name] = /^# (buf(?:\.gen)?\.yaml)$/m.exec(text) ?? [];
  if (name !== undefined) return name;
  if (/^modules:/m.test(text)) return "buf.yaml";
  if (/^plugins:/m.test(text)) return "buf.gen.yaml";
  throw new Error(`${place}: neither buf.yaml nor buf.gen.yaml; say in its first line which file it is`);
}
