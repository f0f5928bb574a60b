import { describe, expect, it } from "vitest";
import type { PlannedClusterFault } from "../../../examples/bank/cluster/cluster-plan.js";
import { runClusterSteps } from "../../../examples/bank/cluster/run-cluster-steps.js";
import { type StepResult, Steps } from "../../../examples/storage/demo/steps.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { type FakeClusterOptions, fakeCluster } from "./fake-cluster.js";

checkLeaks();

const plan: readonly PlannedClusterFault[] = [
  { afterTransfers: 500, fault: { kind: "kill", server: 2, afterMs: 0 } },
  { afterTransfers: 900, fault: { kind: "killLeader", afterMs: 0 } },
  { afterTransfers: 700, fault: { kind: "killUnanswered", server: 1 } },
];

interface RunOptions extends FakeClusterOptions {
  /** How many of the faults are made; default all. */
  readonly faults?: number;
  readonly limitMs?: number;
}

async function run({ faults = plan.length, limitMs = 10_000, ...options }: RunOptions = {}) {
  const results: StepResult[] = [];
  const steps = new Steps(limitMs, (result) => results.push(result));
  const settings = { seed: 1, sessions: true, pauseMs: 1_010 };
  const { scene, close } = fakeCluster(options);
  const running = runClusterSteps(steps, scene, plan.slice(0, faults), settings);
  const report = await running.catch(() => undefined);
  close();
  return { report, last: results.at(-1) };
}

describe("runClusterSteps", () => {
  it("adds up what clients and servers have counted, and knows what each fault did", async () => {
    const { report, last } = await run();
    expect(last).toMatchObject({ name: "close in order", ok: true });
    expect(report?.faults).toEqual([
      expect.objectContaining({ kind: "kill", failOvers: 2, pauseMs: 45 }),
      expect.objectContaining({ kind: "killLeader", failOvers: 0, pauseMs: 45 }),
      expect.objectContaining({ kind: "killUnanswered", failOvers: 2, pauseMs: 45 }),
    ]);
    for (const [at, { afterTransfers }] of plan.entries()) {
      expect(report?.faults[at]?.transfers).toBeGreaterThanOrEqual(afterTransfers);
    }
    expect({ ...report, faults: [] }).toEqual({
      seed: 1,
      faults: [],
      transfers: 300,
      refused: 18,
      audits: 12,
      registrations: 18,
      failOvers: 12,
      retries: 54,
      duplicates: 30,
      joined: 3,
      replays: 24,
      snapshots: 9,
      restores: 6,
      reloads: 3,
      longestPauseMs: 45,
      op: 2_048,
      digest: "aa",
    });
  });

  const states = "compare the states of all servers";
  const brief = { faults: 0, limitMs: 1_000 };
  it.each<[string, RunOptions, string, RegExp]>([
    [
      "one server has another table",
      { state: { digest: "ab" } },
      states,
      /^at op 2048, bank-1 has aa .* bank-3 has ab /,
    ],
    ["one server stays behind", { ...brief, state: { op: 1_024 } }, states, /^not done within/],
    ["no server is at the end of the log", { ...brief, end: 2_049 }, states, /^not done within/],
    [
      "the ledger has more",
      { client: { ledger: 301 } },
      "compare receipts and ledger",
      /301 entries, and there are 300 receipts/,
    ],
    [
      "nothing was sent again",
      { client: { retries: 0 } },
      "look whether that proves anything",
      /no request was written again/,
    ],
    ["no client goes elsewhere", { ...brief, faults: 1, stay: true }, "fault 1 of 1", /^not done within/],
  ])("fails where %s", async (_, options, name, detail) => {
    const { report, last } = await run(options);
    expect(report).toBeUndefined();
    expect(last).toMatchObject({ name, ok: false, detail: expect.stringMatching(detail) });
  });
});
