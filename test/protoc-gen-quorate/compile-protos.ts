import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  type CodeGeneratorRequest,
  CodeGeneratorRequestSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

/** The folder of the project. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** A program of the project's tools. */
export function tool(name: string): string {
  return join(root, "node_modules/.bin", name);
}

/** Writes .proto files, and gorums.proto beside them, to a folder of their own; dispose of it at the end. */
export async function protoFolder(
  files: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "protoc-gen-quorate-"));
  await cp(join(root, "proto/options"), path, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Compiles .proto files, with their imports and their source information. */
export async function compileProtos(files: Readonly<Record<string, string>>): Promise<FileDescriptorSet> {
  await using folder = await protoFolder(files);
  const { stdout } = await promisify(execFile)(
    tool("buf"),
    ["build", folder.path, "--as-file-descriptor-set", "--output", "-#format=binpb"],
    { encoding: "buffer" },
  );
  return fromBinary(FileDescriptorSetSchema, stdout);
}

/** What a compiler asks the plugin: to generate these of the compiled files. */
export function requestFor(
  compiled: FileDescriptorSet,
  fileToGenerate: readonly string[],
  parameter = "target=ts,import_extension=js",
): CodeGeneratorRequest {
  return create(CodeGeneratorRequestSchema, {
    fileToGenerate: [...fileToGenerate],
    parameter,
    protoFile: compiled.file,
    sourceFileDescriptors: compiled.file.filter(({ name }) => fileToGenerate.includes(name)),
  });
}
