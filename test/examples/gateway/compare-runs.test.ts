import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compareRuns } from "../../../examples/gateway/demo/compare-runs.js";
import { describeComparison } from "../../../examples/gateway/demo/describe-comparison.js";
import type { RunResult } from "../../../examples/gateway/demo/run-load.js";
import { readDocument } from "../../docs/documents.js";

const readme = readFileSync(new URL("../../../examples/gateway/README.md", import.meta.url), "utf8");
const options = { seed: 3, peers: 8, files: 20 };
const fileMs = Array.from({ length: 20 }, (_, at) => 20 - at);

function run(requests: number, changes: Partial<RunResult> = {}): RunResult {
  const counts = { requests, useful: 700, misses: requests - 730, wrong: 20, unreachable: 10, slow: 40 };
  return { ...counts, fileMs, failures: [], ...changes };
}

describe("compareRuns", () => {
  it("says what was saved, and how long files took", () => {
    const { problems, savedRequests, savedPercent, sessions } = compareRuns(options, run(900), run(1_600));
    expect({ problems, savedRequests, savedPercent }).toEqual({
      problems: [],
      savedRequests: 700,
      savedPercent: 43.8,
    });
    expect(sessions).toMatchObject({ requests: 900, medianMs: 10, p95Ms: 19 });
  });

  it.each([
    {
      name: "too little was saved",
      sessions: run(901),
      without: run(1_000),
      problem: "learning saved 9.9 % of the requests, less than 10 %",
    },
    {
      name: "more was asked than without sessions",
      sessions: run(1_100),
      without: run(1_000),
      problem: "learning saved -10 % of the requests, less than 10 %",
    },
    {
      name: "a file was wrong in sessions",
      sessions: run(800, { failures: ["/a is not what it should be"] }),
      without: run(1_000),
      problem: "in sessions: /a is not what it should be",
    },
    {
      name: "a file was wrong without",
      sessions: run(800),
      without: run(1_000, { failures: ["/b: Error"] }),
      problem: "without: /b: Error",
    },
    {
      name: "the runs did not fetch the same",
      sessions: run(800, { useful: 699 }),
      without: run(1_000),
      problem: "the runs are not the same: 699 and 700 requests brought something",
    },
  ])("is no success if $name", ({ sessions, without, problem }) => {
    const comparison = compareRuns(options, sessions, without);
    expect(comparison.problems).toEqual([problem]);
    expect(describeComparison(comparison).at(-1)).toBe(`FAILED: ${problem}`);
  });
});

describe("describeComparison", () => {
  it("prints the lines that the README shows, with other numbers", () => {
    const comparison = compareRuns({ ...options, seed: 1, files: 60 }, run(900), run(1_600));
    const named = (text: string) => text.replace(/ +[\d.]+( ms)?(?= |$)/gm, " N");
    const [, shown] = readDocument("README.md", readme).blocks;
    expect(named(shown?.text ?? "")).toBe(named(`${describeComparison(comparison).join("\n")}\n`));
  });

  it("is a table", () => {
    const without = run(1_600, { slow: 90, fileMs: [100.04, 7] });
    expect(`${describeComparison(compareRuns(options, run(900), without)).join("\n")}\n`).toBe(`\
20 files, each at 2 or 3 of 8 peers (--seed 3): 2 of them are slow, 1 sends wrong bytes, 1 dies

                             in sessions       without
requests                             900          1600
  that brought something             700           700
  to peers that lack it              170           870
  answered with wrong bytes           20            20
  to a dead peer                      10            10
requests to slow peers                40            90
time per file, median            10.0 ms        7.0 ms
time per file, p95               19.0 ms      100.0 ms

learning saved 700 of 1600 requests: 43.8 %
`);
  });
});
