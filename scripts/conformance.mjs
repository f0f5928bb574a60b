// Says which of the behaviours of Gorums are shown by a test that cites them, which are different here or have no
// meaning here (docs/gorums.md), and which are missing; fails if any is, or if something is said twice or wrongly.
//
// conformance.mjs [--results FILE] [--json]
//   --results   a report of vitest's JSON reporter; without it the tests that cite a row are run
//   --document, --inventory   in place of docs/gorums.md and conformance/inventory.mjs
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { assess } from "./conformance/assess.mjs";
import { citedTests, citesRow } from "./conformance/cited-tests.mjs";
import { formatAssessment } from "./conformance/format-assessment.mjs";
import { knownDecisions, tabledRows } from "./conformance/migration-table.mjs";
import { build, root, run, tool } from "./tools.mjs";

const { values: options } = parseArgs({
  options: {
    results: { type: "string" },
    document: { type: "string", default: join(root, "docs/gorums.md") },
    inventory: { type: "string", default: join(root, "scripts/conformance/inventory.mjs") },
    json: { type: "boolean", default: false },
  },
});

try {
  const report = options.results === undefined ? await runTests() : readReport(options.results);
  const { areas } = await import(pathToFileURL(resolve(options.inventory)).href);
  const assessment = assess({
    areas,
    tests: citedTests(report),
    rows: tabledRows(readFileSync(options.document, "utf8")),
    decisions: knownDecisions({ wire: read("docs/wire.md"), architecture: read("docs/architecture.md") }),
  });
  console.log(options.json ? JSON.stringify(assessment, undefined, 2) : formatAssessment(assessment));
  process.exitCode = assessment.missing.length + assessment.problems.length > 0 ? 1 : 0;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** Runs the tests that cite a row. What they print goes to stderr; stdout is for the table. */
async function runTests() {
  const built = await build();
  if (built.output !== "") process.stderr.write(built.output);
  if (built.code !== 0) throw new Error("The build failed.");
  const folder = mkdtempSync(join(tmpdir(), "quorate-conformance-"));
  const file = join(folder, "results.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    // A test that fails is found in the report.
    await run([...tool("vitest"), "run", ...reporters, "-t", citesRow], { stdio: "stderr" });
    return readReport(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file) {
  if (!existsSync(file)) throw new Error(`There is no report ${file}; did the tests run?`);
  return JSON.parse(readFileSync(file, "utf8"));
}

function read(path) {
  return readFileSync(join(root, path), "utf8");
}
