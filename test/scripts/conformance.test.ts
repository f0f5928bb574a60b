import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProcessResult, runProcess } from "../docs/run-process.js";
import { checkLeaks } from "../helpers/leaks.js";

checkLeaks();

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A test of a made-up report: its name, and how it ended. */
type TestLine = readonly [name: string, status?: "passed" | "failed" | "skipped"];

/** An inventory of three rows and two. */
const inventory = `export const areas = [
  { area: "AB", title: "The first area", rows: 3 },
  { area: "CDE", title: "The second", rows: 2 },
];`;

const allMet: readonly TestLine[] = [["[AB-01] [AB-02] [AB-03] does"], ["[CDE-01, CDE-02] does too"]];

const header = "| id | kind | Gorums | here, and why | decision |\n|---|---|---|---|---|\n";

describe("npm run conformance", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "quorate-conformance-test-"));
    await writeFile(join(folder, "inventory.mjs"), inventory);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Runs the script over a made-up report and table. */
  async function run(
    tests: readonly TestLine[],
    rows: readonly string[] = [],
    flags: readonly string[] = [],
  ): Promise<ProcessResult> {
    const path = (name: string) => join(folder, name);
    const assertionResults = tests.map(([fullName, status = "passed"]) => ({ fullName, status }));
    await writeFile(path("results.json"), JSON.stringify({ testResults: [{ assertionResults }] }));
    await writeFile(path("table.md"), `# Differences\n\n${header}${rows.join("\n")}\n`);
    const files = ["results.json", "table.md", "inventory.mjs"].map(path);
    const [results = "", document = "", areas = ""] = files;
    const given = ["--results", results, "--document", document, "--inventory", areas, ...flags];
    const script = join(root, "scripts/conformance.mjs");
    return runProcess([process.execPath, script, ...given], { cwd: root, limitMs: 15_000 });
  }

  it("counts the rows of each area, and succeeds if none is missing", async () => {
    const { exit, stdout, stderr } = await run(
      [["a block [AB-01] [W-15] does"], ["[AB-01] does also"], ["[CDE-01, AB-02] does"], ["cites nothing"]],
      [
        "| AB-03 | different | waits | fails at once | W-15, early failure |",
        "| CDE-02 | not applicable | a nil pointer | there is none | |",
      ],
    );
    expect(stdout.split("\n").map((line) => line.trim().replaceAll(/ {2,}/g, " "))).toEqual([
      "area rows met different not applicable missing",
      "AB The first area 3 2 1 0 0",
      "CDE The second 2 1 0 1 0",
      "all 5 3 1 1 0",
      "",
      "missing: none",
      "",
    ]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
  });

  it("prints the same as JSON", async () => {
    const rows = ["| AB-03 | different | a | b | W-15 |"];
    const { exit, stdout } = await run([["[AB-01] does"], ["[CDE-01] [CDE-02] does"]], rows, ["--json"]);
    expect(exit).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      areas: [
        {
          area: "AB",
          title: "The first area",
          rows: 3,
          met: 1,
          different: 1,
          notApplicable: 0,
          missing: ["AB-02"],
        },
        { area: "CDE", title: "The second", rows: 2, met: 2, different: 0, notApplicable: 0, missing: [] },
      ],
      total: { rows: 5, met: 3, different: 1, notApplicable: 0, missing: 1 },
      missing: ["AB-02"],
      problems: [],
    });
  });

  it.each(["skipped", "failed"] as const)(
    "names what is missing, and counts no test that %s",
    async (status) => {
      const { exit, stdout } = await run([...allMet.slice(1), ["[AB-01] [AB-03] does", status]]);
      expect(exit).toBe(1);
      expect(stdout).toContain("\nmissing: AB-01, AB-02, AB-03\n");
      expect(stdout.includes('the test "[AB-01] [AB-03] does" failed')).toBe(status === "failed");
    },
  );

  it("counts a row for which several tests stand, and says which of them failed", async () => {
    const { exit, stdout } = await run([...allMet, ["[AB-01] does again", "failed"]]);
    expect(exit).toBe(1);
    expect(stdout).toContain("\nmissing: none\n");
    expect(stdout).toContain('wrong: the test "[AB-01] does again" failed, so what it cites is not shown');
  });

  it.each<{ what: string; tests?: readonly TestLine[]; rows?: readonly string[]; problem: string }>([
    {
      what: "an id that a test cites and the table has",
      rows: ["| AB-01 | different | a | b | W-15 |"],
      problem:
        'the row AB-01 stands in line 5 of the table, and the test "[AB-01] [AB-02] [AB-03] does" cites it',
    },
    {
      what: "an id that a skipped test cites and the table has",
      tests: [["[AB-01] is skipped", "skipped"], ["[AB-02] [AB-03] does"], ["[CDE-01] [CDE-02] does"]],
      rows: ["| AB-01 | different | a | b | W-15 |"],
      problem: 'the row AB-01 stands in line 5 of the table, and the test "[AB-01] is skipped" cites it',
    },
    {
      what: "an id that the table has twice",
      tests: [["[AB-02] [AB-03] does"], ["[CDE-01] [CDE-02] does"]],
      rows: ["| AB-01 | different | a | b | W-15 |", "| AB-01 | not applicable | a | b | |"],
      problem: "the row AB-01 stands in the table again in line 6",
    },
    {
      what: "an id that a test cites and nothing has",
      tests: [...allMet, ["[AB-04] [W-99] does"]],
      problem: 'the test "[AB-04] [W-99] does" cites AB-04, W-99, which nothing has',
    },
    {
      what: "an id that the table has and the inventory has not",
      rows: ["| CDE-03 | not applicable | a | b | |"],
      problem: "the row CDE-03 in line 5 of the table is no row of the inventory",
    },
    {
      what: "a test that cites four ids",
      tests: [...allMet, ["a block [AB-01] does [CDE-01] and [CDE-02, W-15]"]],
      problem: 'the test "a block [AB-01] does [CDE-01] and [CDE-02, W-15]" cites 4 ids; 3 is the most',
    },
    {
      what: "a difference without a decision",
      tests: [["[AB-02] [AB-03] does"], ["[CDE-01] [CDE-02] does"]],
      rows: ["| AB-01 | different | a | b | |"],
      problem: "the row AB-01 in line 5 of the table names no decision",
    },
    {
      what: "a decision that there is not",
      tests: [["[AB-02] [AB-03] does"], ["[CDE-01] [CDE-02] does"]],
      rows: ["| AB-01 | different | a | b | W-15, because |"],
      problem: "the row AB-01 in line 5 of the table names a decision that there is not: because",
    },
    {
      what: "a row without a reason",
      tests: [["[AB-02] [AB-03] does"], ["[CDE-01] [CDE-02] does"]],
      rows: ["| AB-01 | not applicable | a | | |"],
      problem: "the row AB-01 in line 5 of the table has no reason",
    },
    {
      what: "a row of another kind",
      tests: [["[AB-02] [AB-03] does"], ["[CDE-01] [CDE-02] does"]],
      rows: ["| AB-01 | later | a | b | |"],
      problem:
        'the row AB-01 in line 5 of the table is "later"; it must be one of: different, not applicable',
    },
  ])("refuses $what", async ({ tests = allMet, rows = [], problem }) => {
    const { exit, stdout } = await run(tests, rows);
    expect(exit).toBe(1);
    expect(stdout.split("\n")).toContain(`wrong: ${problem}`);
    // Nothing else is wrong.
    expect(stdout).toContain("\nmissing: none\n");
    expect(stdout.match(/^wrong: /gm)).toHaveLength(1);
  });

  it("reads a cell with a bar, and code in cells, as the table shows it", async () => {
    const rows = ["| `AB-01` | **different** | `a \\| b` | c | `W-15` |"];
    const { exit, stdout } = await run([["[AB-02] [AB-03] does"], ["[CDE-01] [CDE-02] does"]], rows);
    expect(stdout).not.toContain("wrong:");
    expect(exit).toBe(0);
  });

  it("fails without a report", async () => {
    const script = join(root, "scripts/conformance.mjs");
    const command = [process.execPath, script, "--results", join(folder, "none.json")] as const;
    const { exit, stdout, stderr } = await runProcess(command, { cwd: root, limitMs: 15_000 });
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    expect(stderr).toContain("There is no report");
  });
});

describe("the inventory", () => {
  it("has 33 areas of 325 rows", async () => {
    const program =
      'import("./scripts/conformance/inventory.mjs").then(({ areas, idsOf }) => console.log(areas.length, areas.flatMap(idsOf).length))';
    const { stdout } = await runProcess([process.execPath, "--eval", program], {
      cwd: root,
      limitMs: 15_000,
    });
    expect(stdout).toBe("33 325\n");
  });
});
