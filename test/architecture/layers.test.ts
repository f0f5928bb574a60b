import { describe, expect, it } from "vitest";
import { addOnLayer, entryPoint, layerOf, roomOf } from "./layers.js";
import { readText, type SourceFile, sourceFiles } from "./source-files.js";

const library = sourceFiles("src", "internal");
const generator = sourceFiles("protoc-gen-quorate/src");
const examples = sourceFiles("examples");

describe("layers", () => {
  it("every folder of the library has a layer", () => {
    const homeless = library.filter(({ path }) => path !== entryPoint && layerOf(path) === undefined);
    expect(homeless.map(({ path }) => path)).toEqual([]);
  });

  it("imports point down, or stay in their layer", () => {
    expect(violations(library, (from, to) => rank(to) > rank(from))).toEqual([]);
  });

  it("add-ons do not import each other", () => {
    const isOtherAddOn = (from: string, to: string): boolean =>
      layerOf(from) === addOnLayer && layerOf(to) === addOnLayer && roomOf(from) !== roomOf(to);
    expect(violations(library, isOtherAddOn)).toEqual([]);
  });

  it("the entry point does not reach up to the add-ons", () => {
    expect(violations(library, (from, to) => from === entryPoint && rank(to) >= addOnLayer)).toEqual([]);
  });

  it("the library stays within its own folders", () => {
    expect(violations(library, (_, to) => !/^(src|internal)\//.test(to))).toEqual([]);
  });

  it("examples use the library as a user does", () => {
    expect(violations(examples, (_, to) => !to.startsWith("examples/"))).toEqual([]);
  });

  it("the generator does not import the library", () => {
    expect(violations(generator, (_, to) => !to.startsWith("protoc-gen-quorate/src/"))).toEqual([]);
    expect(foreign(generator).filter(({ name }) => name === "quorate")).toEqual([]);
  });
});

describe("packages", () => {
  it("only the transport knows @grpc/grpc-js", () => {
    const others = foreign(library).filter(
      ({ name, path }) => name === "@grpc/grpc-js" && roomOf(path) !== "internal/transport",
    );
    expect(others).toEqual([]);
  });

  it.each([
    { files: library, manifest: "package.json", self: ["quorate"] },
    { files: generator, manifest: "protoc-gen-quorate/package.json", self: [] },
  ])("what $manifest publishes imports only what it depends on", ({ files, manifest, self }) => {
    const declared = new Set([...dependenciesOf(manifest), ...self]);
    const undeclared = foreign(files).filter(({ name }) => !name.startsWith("node:") && !declared.has(name));
    expect(undeclared).toEqual([]);
  });
});

function rank(path: string): number {
  // Above the layer that it exports, so that nothing there may import it.
  return path === entryPoint ? addOnLayer - 0.5 : (layerOf(path) ?? Number.POSITIVE_INFINITY);
}

function violations(
  files: readonly SourceFile[],
  isForbidden: (from: string, to: string) => boolean,
): string[] {
  return files.flatMap(({ path, imports }) =>
    imports.flatMap(({ file }) =>
      file !== undefined && isForbidden(path, file) ? [`${path} imports ${file}`] : [],
    ),
  );
}

function foreign(files: readonly SourceFile[]): { readonly path: string; readonly name: string }[] {
  return files.flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier, file }) =>
      file === undefined ? [{ path, name: packageName(specifier) }] : [],
    ),
  );
}

function packageName(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function dependenciesOf(manifest: string): string[] {
  const { dependencies, peerDependencies } = JSON.parse(readText(manifest)) as Record<
    string,
    Record<string, string> | undefined
  >;
  return [...Object.keys(dependencies ?? {}), ...Object.keys(peerDependencies ?? {})];
}
