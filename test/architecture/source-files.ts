import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** One import or re-export of a source file. */
export interface Import {
  /** What stands in the quotes. */
  readonly specifier: string;
  /** The path of the source file that it names, if that is one of ours. */
  readonly file: string | undefined;
  /** Whether it vanishes when compiled. */
  readonly typeOnly: boolean;
}

/** A source file, its path from the root of the repository with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const skippedFolders = new Set(["node_modules", "dist", "coverage"]);

/** The TypeScript files below the folders, in the order of their paths; a folder that is missing has none. */
export function sourceFiles(...folders: readonly string[]): SourceFile[] {
  return folders
    .flatMap((folder) => pathsIn(folder))
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => {
      const text = readText(path);
      return { path, text, imports: importsOf(path, text) };
    });
}

/** The paths of all files below a folder of the repository. */
export function pathsIn(folder: string): string[] {
  const absolute = join(root, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { withFileTypes: true }).flatMap((entry) => {
    if (skippedFolders.has(entry.name)) return [];
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? pathsIn(path) : [path];
  });
}

/** The text of a file of the repository. */
export function readText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Whether the file was written by a generator. */
export function isGenerated(path: string): boolean {
  return path.split("/").includes("gen");
}

/** The imports of one file. It is enough to know the form that the formatter gives to them. */
export function importsOf(path: string, text: string): Import[] {
  const code = withoutComments(text);
  const statements = code.matchAll(/^(import|export)\s+(type\s+)?([^;"'`=()]*?)(\bfrom\s+)?"([^"]+)";/gm);
  const calls = code.matchAll(/(\btypeof\s+)?(?<![.\w])import\(\s*"([^"]+)"/g);
  return [
    ...[...statements]
      .filter(([, keyword, , , from]) => keyword === "import" || from !== undefined)
      .map(([, , type, names = "", , specifier = ""]) => ({
        specifier,
        file: resolveOurs(path, specifier),
        typeOnly: type !== undefined || namesOnlyTypes(names),
      })),
    ...[...calls].map(([, type, specifier = ""]) => ({
      specifier,
      file: resolveOurs(path, specifier),
      typeOnly: type !== undefined,
    })),
  ];
}

function namesOnlyTypes(names: string): boolean {
  const [, list] = /^\s*\{([^}]*)\}\s*$/.exec(names) ?? [];
  const each = list
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return each !== undefined && each.length > 0 && each.every((name) => name.startsWith("type "));
}

function resolveOurs(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return join(dirname(path), specifier).replaceAll("\\", "/").replace(/\.js$/, ".ts");
}

/** Drops whole lines only: a string may contain what looks like a comment, but an import stands on its own. */
function withoutComments(text: string): string {
  return text
    .replaceAll(/^\s*\/\*[\s\S]*?\*\/\s*$/gm, "")
    .split("\n")
    .filter((line) => !/^\s*\/\//.test(line))
    .join("\n");
}
