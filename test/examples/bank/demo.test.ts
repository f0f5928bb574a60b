import { describe, expect, it } from "vitest";
import type { RunReport } from "../../../examples/bank/demo/run-report.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { doubles, outcomeOf } from "./outcome-of.js";
import { startBankDemo } from "./start-bank-demo.js";

checkLeaks();

interface Outcome {
  readonly ok: boolean;
  readonly report?: RunReport;
  readonly steps: readonly { name: string; ok: boolean; ms: number; detail: string }[];
}

describe("the demo of the bank", { timeout: 60_000 }, () => {
  it("finds each transfer applied once, after retries, duplicates and replays", async () => {
    await using bank = await startBankDemo();
    const { demo } = bank;
    expect(await demo.ended, demo.output.stderr).toEqual({ code: 0, signal: null });
    await demo.untilNothingIsLeft();
    expect(await bank.left()).toEqual([]);

    const { ok, report, steps } = JSON.parse(demo.output.stdout) as Outcome;
    expect(ok).toBe(true);
    expect(steps.map(({ name }) => name)).toEqual([
      "start a server with its log in files",
      "open four sessions",
      "open accounts, and begin to transfer",
      ...[1, 2, 3, 4, 5].map((fault) => `fault ${fault} of 5`),
      "go on, and stop",
      "compare receipts and ledger",
      "look whether that proves anything",
      "close in order",
    ]);
    expect(steps.filter((step) => !step.ok)).toEqual([]);
    expect(report?.faults).toEqual({ cut: 1, loseRequests: 1, loseAnswers: 1, kill: 1, killUnanswered: 1 });
    expect(report?.transfers).toBeGreaterThan(100);
    expect(report?.refused).toBeGreaterThan(0);
    expect(report?.audits).toBeGreaterThan(0);
    expect(report?.retries).toBeGreaterThanOrEqual(3);
    expect(report?.duplicates).toBeGreaterThanOrEqual(1);
    expect(report?.replays).toBeGreaterThanOrEqual(2);
    // Each of the four at first, and when its connection was cut.
    expect(report?.registrations).toBeGreaterThanOrEqual(4 + 3);
    // One server, and two after it; four clients.
    expect(demo.pids("server.js")).toHaveLength(3);
    expect(demo.pids("client.js")).toHaveLength(4);
    for (const line of ["retries ", "duplicates ", "replays "]) expect(demo.output.stderr).toContain(line);
  });

  it("fails without sessions, and names transfers that were made more than once", async () => {
    await using bank = await startBankDemo(["--without-sessions"]);
    expect(await outcomeOf(bank)).toEqual(doubles);
  });
});
