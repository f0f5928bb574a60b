import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { pathsIn } from "../architecture/source-files.js";
import { documentFiles } from "./document-files.js";
import { type MarkdownDocument, readDocuments, root } from "./documents.js";

interface Manifest {
  readonly name: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const manifests = ["package.json", "protoc-gen-quorate/package.json"].map(
  (path) => JSON.parse(readFileSync(join(root, path), "utf8")) as Manifest,
);
const scripts = Object.keys(manifests[0]?.scripts ?? {});
const packages = manifests.flatMap((manifest) => [
  manifest.name,
  ...Object.keys({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.devDependencies,
  }),
]);
const steps = [...readFileSync(join(root, "scripts/check.mjs"), "utf8").matchAll(/^ {2}\["([\w-]+)",/gm)].map(
  ([, name]) => name,
);

/** What is wrong with a command, if anything is. */
function problemOf(command: string): string | undefined {
  const words = command.replace(/\s+#.*$/, "").split(/\s+/);
  // Variables of the environment stand before a command.
  const [program, ...rest] = words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word)));
  const end = rest.includes("--") ? rest.indexOf("--") : rest.length;
  const [verb, ...names] = rest.slice(0, end).filter((word) => !word.startsWith("-"));
  const passedOn = rest.slice(end + 1);
  const missing = (among: readonly (string | undefined)[], all: readonly string[], what: string) => {
    const odd = all.filter((name) => !among.includes(name));
    return odd.length > 0 ? `there is no ${what} ${odd.join(", ")}` : undefined;
  };
  if (program === "npx")
    return existsSync(join(root, "node_modules/.bin", verb ?? "")) ? undefined : `no ${verb}`;
  if (program === "node") return isSource(verb ?? "") ? undefined : `there is no ${verb}`;
  if (program !== "npm") return existsSync(join(root, program ?? "")) ? undefined : `there is no ${program}`;
  if (verb === "install") return missing(packages, names, "package");
  if (verb === "run") {
    return (
      missing(scripts, names, "script") ??
      (names[0] === "check" ? missing(steps, passedOn, "step") : undefined)
    );
  }
  if (verb !== "test") return `${verb} is no command that the documents need`;
  return (
    missing(scripts, ["test"], "script") ??
    passedOn
      .filter((word) => word.includes("/"))
      .map(missingTest)
      .find(Boolean)
  );
}

/** A file, or what the build makes of one. */
function isSource(path: string): boolean {
  const source = path.replace(/^dist\/(.+)\.js$/, "$1.ts");
  return existsSync(join(root, source));
}

/** Of what vitest runs, the part of a path is enough. */
function missingTest(path: string): string | undefined {
  return pathsIn("test").some((file) => file.includes(path)) ? undefined : `there is no test ${path}`;
}

function commandsOf({ blocks, spans }: MarkdownDocument): { place: string; command: string }[] {
  const inBlocks = blocks
    .filter(({ language }) => language === "sh")
    .flatMap(({ place, text }) => text.split("\n").map((command) => ({ place, command: command.trim() })));
  const inLines = spans
    .filter(({ text }) => /^([A-Z_]+=\S* )?(npm|npx|node) /.test(text))
    .map(({ place, text }) => ({ place, command: text }));
  return [...inBlocks, ...inLines].filter(({ command }) => command !== "" && !command.startsWith("#"));
}

const commands = readDocuments().flatMap(commandsOf);

describe("the commands in the documents", () => {
  it.each(commands)("$place: `$command` can be run", ({ command }) => {
    expect(problemOf(command)).toBeUndefined();
  });

  it.each([
    "npm run dance",
    "npm run --silent dance -- --json",
    "npm run check -- lint dance",
    "npm install --save-dev dance",
    "npm dance",
    "npm test -- test/dance",
    "X=1 npm test -- test/dance",
    "npx dance",
    "node dist/dance.js",
    "scripts/dance.mjs",
  ])("`%s` would be found out", (command) => {
    expect(problemOf(command)).toContain("dance");
  });
});

describe("the files named in the documents", () => {
  // Its paths are those of Gorums.
  const documents = readDocuments().filter(({ path }) => path !== "docs/wire.md");
  const folders = [
    "bench",
    "docs",
    "examples",
    "internal",
    "proto",
    "protoc-gen-quorate",
    "scripts",
    "src",
    "test",
  ];
  const sources = [...folders, ".ci"].flatMap((folder) => pathsIn(folder));
  const fileNames = new Set(sources.map((path) => basename(path)));

  it.each(documents)("$path: exist", (document) => {
    const { files, programs } = documentFiles(document);
    const shown = new Set([...files.keys(), ...programs.map(({ file }) => file)]);
    // A folder is there if it has files, as in a clone.
    const exists = (path: string) =>
      sources.some((file) => `${file}/`.startsWith(path.replace(/\/?$/, "/"))) || shown.has(path);
    const isOurs = (path: string) =>
      folders.includes(path.slice(0, path.indexOf("/"))) && /^[\w./-]+$/.test(path);
    const missing = document.spans.filter(({ text }) => {
      if (/\bdist\/$/.test(text)) return false;
      if (isOurs(text)) return !exists(text);
      return /^[a-z][a-z0-9-]*\.(ts|mjs|proto)$/.test(text) && !fileNames.has(text) && !shown.has(text);
    });
    expect(missing.map(({ place, text }) => `${place}: ${text}`)).toEqual([]);
  });
});
