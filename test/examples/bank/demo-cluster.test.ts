import { describe, expect, it } from "vitest";
import type { ClusterReport } from "../../../examples/bank/cluster/cluster-report.js";
import type { StepResult } from "../../../examples/storage/demo/steps.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { needsEtcd } from "./needs-etcd.js";
import { doubles, outcomeOf } from "./outcome-of.js";
import { startClusterDemo } from "./start-bank-demo.js";

checkLeaks();

interface Outcome {
  readonly ok: boolean;
  readonly report?: ClusterReport;
  readonly steps: readonly StepResult[];
}

describe("the demo of the cluster", { timeout: 150_000 }, () => {
  needsEtcd();

  it("finds each transfer applied once and all servers equal, after kills of servers, a leader and a stop", async () => {
    const wanted = ["--kills", "1", "--leader-kills", "1", "--pauses", "1", "--pause-ms", "1500"];
    await using cluster = await startClusterDemo(["--json", ...wanted]);
    const { demo } = cluster;
    expect(await demo.ended, demo.output.stderr).toEqual({ code: 0, signal: null });
    await demo.untilNothingIsLeft();
    expect(await cluster.left()).toEqual([]);
    expect(await cluster.users()).toEqual([]);

    const { ok, report, steps } = JSON.parse(demo.output.stdout) as Outcome;
    expect(ok).toBe(true);
    expect(steps.map(({ name }) => name)).toEqual([
      "start three servers on an etcd of three members",
      "open six sessions",
      "open accounts, and begin to transfer",
      ...[1, 2, 3].map((fault) => `fault ${fault} of 3`),
      "go on, and stop",
      "compare the states of all servers",
      "compare receipts and ledger",
      "look whether that proves anything",
      "close in order",
    ]);
    expect(steps.filter((step) => !step.ok)).toEqual([]);
    const faults = report?.faults ?? [];
    expect(faults.map(({ kind }) => kind).sort()).toEqual(["killLeader", "killUnanswered", "pause"]);
    expect(faults.filter(({ transfers }) => transfers < 500)).toEqual([]);
    expect(faults.filter(({ failOvers }) => failOvers === 0)).toEqual([
      expect.objectContaining({ effect: expect.stringMatching(/^member-\d led \d+ ms later$/) }),
    ]);
    expect(report?.transfers).toBeGreaterThan(3 * 500);
    expect(report?.replays).toBeGreaterThanOrEqual(1);
    expect(report?.longestPauseMs).toBeGreaterThan(0);
    expect(report?.digest).toMatch(/^[0-9a-f]{64}$/);
    // Three servers, and one after them; six clients.
    expect(demo.pids("server.js")).toHaveLength(4);
    expect(demo.pids("client.js")).toHaveLength(6);
  });

  it("fails without sessions, and names transfers that were made more than once", async () => {
    const faults = ["--kills", "1", "--leader-kills", "0", "--pauses", "0"];
    await using cluster = await startClusterDemo(["--json", ...faults, "--without-sessions"]);
    expect(await outcomeOf(cluster)).toEqual(doubles);
  });
});
