import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { DocumentFiles, Program } from "./document-files.js";
import { root } from "./documents.js";
import { inLanes, type ProcessResult, runProcess } from "./run-process.js";

/** A project outside of the repository, in which a user has tried what the documents say. */
export interface UserProject extends AsyncDisposable {
  /** How `buf generate` ended, by document. */
  readonly generated: ReadonlyMap<string, ProcessResult>;
  /** The texts of the generated files, by document. */
  readonly generatedTexts: ReadonlyMap<string, readonly string[]>;
  /** What the compiler says of a file of a document; with the lines of the document. */
  problems(document: string, file?: string): string[];
  /** How the program ended. Undefined if it was not to be run. */
  result(program: Program): ProcessResult | undefined;
}

const compilerOptions = {
  target: "es2023",
  lib: ["es2023", "esnext.disposable"],
  module: "nodenext",
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
  sourceMap: true,
};

/**
 * Writes the files of the documents, each document to a folder of its own, generates, compiles all of it at once,
 * and runs the programs.
 */
export async function tryDocuments(documents: readonly DocumentFiles[]): Promise<UserProject> {
  const path = await mkdtemp(join(tmpdir(), "quorate-documents-"));
  const remove = () => rm(path, { recursive: true, force: true });
  try {
    const tried = documents.map((document) => ({
      ...document,
      folder: join(path, folderOf(document.document)),
    }));
    await install(path);
    for (const document of tried) await writeFiles(path, document, bufFilesOf(documents));
    const generated = await generate(path, tried);
    const generatedTexts = new Map<string, readonly string[]>();
    for (const { document, folder } of tried) generatedTexts.set(document, await textsOfGenerated(folder));
    const problems = await compile(path);
    const results = await runPrograms(tried);
    return {
      generated,
      generatedTexts,
      problems: (document, file = "") =>
        problems.filter(
          (line) => line.startsWith(`${folderOf(document)}/${file}`) || line.startsWith("error "),
        ),
      result: (program) => results.get(program),
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

interface TriedDocument extends DocumentFiles {
  readonly folder: string;
}

function folderOf(document: string): string {
  return document.replace(/\.md$/, "");
}

/** Puts into node_modules what the documents have users install; quorate as it was built. */
async function install(path: string): Promise<void> {
  await mkdir(join(path, "node_modules/.bin"), { recursive: true });
  const installed = {
    quorate: ".",
    "protoc-gen-quorate": "protoc-gen-quorate",
    "@bufbuild": "node_modules/@bufbuild",
    "@types": "node_modules/@types",
  };
  for (const [name, at] of Object.entries(installed)) {
    await symlink(join(root, at), join(path, "node_modules", name), "dir");
  }
  const programs = {
    "protoc-gen-es": "node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es",
    "protoc-gen-quorate": "protoc-gen-quorate/dist/cli.js",
  };
  for (const [name, at] of Object.entries(programs)) {
    const script = `#!/bin/sh\nexec "${process.execPath}" "${join(root, at)}" "$@"\n`;
    await writeFile(join(path, "node_modules/.bin", name), script, { mode: 0o755 });
  }
  await writeFile(join(path, "package.json"), '{ "type": "module" }');
  await writeFile(join(path, "tsconfig.json"), JSON.stringify({ compilerOptions }));
}

/** The buf files of the first document that has a .proto file, for those that show one without them. */
function bufFilesOf(documents: readonly DocumentFiles[]): ReadonlyMap<string, string> {
  const lender = documents.find(({ generates }) => generates);
  return new Map([...(lender?.files ?? [])].filter(([file]) => file.endsWith(".yaml")));
}

async function writeFiles(
  path: string,
  document: TriedDocument,
  bufFiles: ReadonlyMap<string, string>,
): Promise<void> {
  const { folder, generates } = document;
  const files = new Map([...(generates ? bufFiles : []), ...document.files]);
  for (const { file, block } of document.programs) {
    // With the lines where they are in the document, messages of the compiler and of node name these.
    files.set(file, "\n".repeat(block.line) + block.text);
  }
  await mkdir(folder, { recursive: true });
  await symlink(join(path, "node_modules"), join(folder, "node_modules"), "dir");
  for (const [file, text] of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
}

/** Documents without a .proto file go on with what the first document generated. */
async function generate(
  path: string,
  documents: readonly TriedDocument[],
): Promise<ReadonlyMap<string, ProcessResult>> {
  const results = new Map<string, ProcessResult>();
  const sources = documents.filter(({ generates }) => generates);
  await inLanes(2, sources, async ({ document, folder }) => {
    const options = { cwd: folder, limitMs: 20_000, path: join(path, "node_modules/.bin") };
    results.set(document, await runProcess([tool("buf"), "generate"], options));
  });
  const [lender] = sources;
  for (const { folder, generates, programs } of documents) {
    const borrows = !generates && programs.some(({ block }) => block.text.includes('"./gen/'));
    if (borrows && lender !== undefined) {
      await cp(join(lender.folder, "gen"), join(folder, "gen"), { recursive: true });
    }
  }
  return results;
}

/** The messages of the compiler. */
async function compile(path: string): Promise<string[]> {
  const options = { cwd: path, limitMs: 20_000 };
  const { stdout } = await runProcess([tool("tsc"), "-p", path, "--pretty", "false"], options);
  return stdout.split("\n").filter((line) => line !== "");
}

async function runPrograms(
  documents: readonly TriedDocument[],
): Promise<ReadonlyMap<Program, ProcessResult>> {
  const results = new Map<Program, ProcessResult>();
  const runs = documents.flatMap(({ programs, folder }) => programs.map((program) => ({ program, folder })));
  await inLanes(2, runs, async ({ program, folder }) => {
    if (program.block.flags.includes("no-run")) return;
    const line = [process.execPath, "--enable-source-maps", program.file.replace(/\.ts$/, ".js")] as const;
    results.set(program, await runProcess(line, { cwd: folder, limitMs: 10_000 }));
  });
  return results;
}

function tool(name: string): string {
  return join(root, "node_modules/.bin", name);
}

async function textsOfGenerated(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /_(pb|quorate)\.ts$/.test(entry.name));
  return Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), "utf8")));
}
