// Looks for what is easily left behind in files, and for links in the documents that lead nowhere.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { filesIn, root } from "./tools.mjs";

const skipped = new Set(["node_modules", "dist", "coverage", "gen", ".git", ".install.lock"]);
const source = /\.(ts|mts|cts|js|mjs|cjs)$/;
const text = /\.(ts|mts|cts|js|mjs|cjs|json|jsonc|ya?ml|md|proto|sh|txt)$/;

const problems = filesIn(root, (name) => skipped.has(name))
  .filter((file) => text.test(file))
  .flatMap((file) => {
    const lines = readFileSync(join(root, file), "utf8").split("\n");
    return lines.flatMap((line, index) =>
      problemsOf(file, line).map((problem) => `${file}:${index + 1}: ${problem}`),
    );
  });

for (const problem of problems) console.log(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function problemsOf(file, line) {
  const found = [];
  if (/^(<{7}|>{7}|\|{7}) /.test(line)) found.push("a merge conflict is not resolved");
  if (source.test(file) && /\b(describe|it|test|suite|bench)(\.\w+)*\.only\b/.test(line)) {
    found.push("a test is singled out with .only, so the others do not run");
  }
  if (source.test(file) && /^\s*debugger\b/.test(line)) found.push("a debugger statement");
  if (file.endsWith(".md")) {
    for (const [, target] of line.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (isBroken(file, target)) found.push(`the link to ${target} leads nowhere`);
    }
  }
  return found;
}

function isBroken(file, target) {
  const [path] = target.split("#");
  if (path === "" || /^[a-z]+:/.test(path)) return false;
  return !existsSync(join(root, dirname(file), decodeURIComponent(path)));
}
