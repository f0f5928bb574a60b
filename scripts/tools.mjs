// How the scripts run the programs of node_modules, and the build that several of them need.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "./lock.mjs";

/** The folder of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The command that runs a program of an installed package: `[node, script]`. */
export function tool(packageName, program = packageName) {
  const folder = join(root, "node_modules", packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return [process.execPath, join(folder, typeof bin === "string" ? bin : bin[program])];
}

/**
 * Runs a command to its end, and ends it after `timeoutMs`. With `stdio` "pipe" the output of both streams is
 * returned as it came; with "stderr" both go to our stderr.
 *
 * @param {string[]} command
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, stdio?: "pipe" | "inherit" | "stderr", timeoutMs?: number }} [options]
 * @returns {Promise<{ code: number, output: string, stdout: string }>}
 */
export function run(
  [program, ...args],
  { cwd = root, env = process.env, stdio = "pipe", timeoutMs = 0 } = {},
) {
  return new Promise((resolve, reject) => {
    const stdin = stdio === "inherit" ? "inherit" : "ignore";
    const out = stdio === "stderr" ? 2 : stdio;
    const child = spawn(program, args, { cwd, env, stdio: [stdin, out, out], timeout: timeoutMs });
    let output = "";
    let stdout = "";
    child.stdout?.setEncoding("utf8").on("data", (text) => {
      output += text;
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const ended = signal === null ? "" : `\nended by ${signal}\n`;
      resolve({ code: code ?? 1, output: output + ended, stdout });
    });
  });
}

/** Compiles the library and the examples to dist, and the generator where asked; `code` 0 if all is well. */
export function build({ generator = true } = {}) {
  return withLock(join(root, "dist", ".lock"), { waitMs: 120_000 }, () => {
    removeOrphans("dist", ".", ["src", "internal", "examples", "bench"]);
    if (generator) removeOrphans("protoc-gen-quorate/dist", "protoc-gen-quorate/src", ["."]);
    const projects = generator ? ["tsconfig.build.json", "protoc-gen-quorate"] : ["tsconfig.build.json"];
    return run([...tool("typescript", "tsc"), "-b", ...projects]);
  });
}

/** The compiler leaves the output of a source file that is gone; nobody must load or pack that. */
function removeOrphans(outDir, rootDir, folders) {
  for (const folder of folders) {
    for (const file of filesIn(join(root, outDir, folder))) {
      const path = join(folder, file);
      const source = path.replace(/(\.d\.ts|\.js)(\.map)?$/, ".ts");
      if (source !== path && !existsSync(join(root, rootDir, source))) rmSync(join(root, outDir, path));
    }
  }
}

/** The files below a folder, as paths from it, sorted; empty if there is no such folder. */
export function filesIn(folder, skip = () => false) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !skip(entry.name))
    .flatMap((entry) =>
      entry.isDirectory()
        ? filesIn(join(folder, entry.name), skip).map((path) => join(entry.name, path))
        : [entry.name],
    )
    .sort();
}
