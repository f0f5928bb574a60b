// Everything that can be said about the repository without running its tests. All steps run, in this order;
// `npm run check -- lint types` runs only those.
import { writeFileSync } from "node:fs";
import { build, run, tool } from "./tools.mjs";

const node = process.execPath;
const command =
  (...line) =>
  () =>
    run(line);

const steps = new Map([
  ["format", command(...tool("@biomejs/biome", "biome"), "ci", "--colors=off", ".")],
  ["lint", command(...tool("oxlint"), "--type-aware", "--deny-warnings", ".")],
  ["types", command(...tool("typescript", "tsc"), "--noEmit", "-p", "tsconfig.json")],
  ["build", () => build()],
  ["proto-lint", command(...tool("@bufbuild/buf", "buf"), "lint")],
  ["proto-format", command(...tool("@bufbuild/buf", "buf"), "format", "--diff", "--exit-code")],
  ["generated", command(node, "scripts/generate.mjs", "--check")],
  ["texts", command(node, "scripts/check-texts.mjs")],
  ["package", command(node, "scripts/package-test.mjs")],
]);

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.has(name));
if (unknown.length > 0) {
  console.error(`There is no step ${unknown.join(", ")}; the steps are ${[...steps.keys()].join(", ")}.`);
  process.exit(1);
}

const passed = [];
const failed = [];
for (const [name, step] of steps) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const startedAt = performance.now();
  const { code, output } = await step().catch((error) => ({
    code: 1,
    output: String(error?.stack ?? error),
  }));
  (code === 0 ? passed : failed).push(name);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${code === 0 ? "ok    " : "FAILED"}  ${name.padEnd(14)} ${seconds.padStart(5)} s`);
  if (code !== 0) console.log(output.trimEnd().replace(/^/gm, "        "));
}

const { QUORATE_CHECK_REPORT: report } = process.env;
if (report) writeFileSync(report, JSON.stringify({ passed: passed.length, failed: failed.length }));
if (failed.length > 0) console.log(`Failed: ${failed.join(", ")}. One alone: npm run check -- ${failed[0]}`);
console.log(`${passed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;
