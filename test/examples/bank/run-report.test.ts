import { describe, expect, it } from "vitest";
import { describeReport, missingProof, type RunReport } from "../../../examples/bank/demo/run-report.js";

const report: RunReport = {
  seed: 7,
  faults: { cut: 4, loseRequests: 2, loseAnswers: 3, kill: 5, killUnanswered: 1 },
  transfers: 1_234,
  refused: 56,
  audits: 60,
  registrations: 40,
  retries: 90,
  duplicates: 12,
  joined: 1,
  replays: 4,
  snapshots: 5,
  restores: 4,
  entries: 1_400,
};

describe("missingProof", () => {
  it("is empty where each kind has happened, replays as often as the faults force them", () => {
    expect(missingProof(report)).toEqual([]);
  });

  it.each([
    ["retries", { retries: 0, duplicates: 0 }, "no request was written again"],
    [
      "retries that explain the duplicates",
      { retries: 11 },
      "12 requests came again, and only 11 were sent again",
    ],
    ["duplicates", { duplicates: 0 }, "no request came to a server twice"],
    ["replays", { replays: 3 }, "3 receipts were kept replies, fewer than the 4 that the faults force"],
    ["a restored snapshot", { restores: 0 }, "no server began with a snapshot"],
  ])("names the lack of %s", (_, lack, problem) => {
    expect(missingProof({ ...report, ...lack })).toContain(problem);
  });
});

describe("describeReport", () => {
  it("says all that there is", () => {
    expect(describeReport(report).join("\n")).toMatchInlineSnapshot(`
      "seed 7: 6 kills (1 with an answer on the way), 9 cut connections (2 with requests, 3 with answers on the way)
      1234 transfers, each applied exactly once; 56 refused, none of them applied; the sum was read 60 times, always exact
      retries    90 requests were written again, under 40 registrations
      duplicates 12 at least came to a server that knew them, 1 of them while the first was under way
      replays    4 receipts came for transfers that had been applied before the session was resumed
      the log had 1400 entries; 5 snapshots were stored, and 4 servers began with one"
    `);
  });
});
