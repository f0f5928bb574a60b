import { describe, expect, it } from "vitest";
import {
  type ClusterReport,
  describeClusterReport,
  missingClusterProof,
  type ReportedFault,
} from "../../../examples/bank/cluster/cluster-report.js";

const killed: ReportedFault = {
  kind: "killUnanswered",
  fault: "SIGKILL to bank-2, an answer on its way",
  effect: "2 clients went on at another server",
  failOvers: 2,
  transfers: 1_220,
  pauseMs: 85,
};
const leaderKilled: ReportedFault = {
  kind: "killLeader",
  fault: "SIGKILL to member-1, the leader of etcd",
  effect: "member-3 led 537 ms later",
  failOvers: 0,
  transfers: 709,
  pauseMs: 595,
};
const report: ClusterReport = {
  seed: 7,
  faults: [killed, leaderKilled],
  transfers: 1_234,
  refused: 56,
  audits: 60,
  registrations: 9,
  failOvers: 3,
  retries: 40,
  duplicates: 12,
  joined: 1,
  replays: 4,
  snapshots: 5,
  restores: 1,
  reloads: 2,
  longestPauseMs: 595,
  op: 2_048,
  digest: "0123456789abcdef0123",
};

describe("missingClusterProof", () => {
  it("is empty where each fault had its effect", () => {
    expect(missingClusterProof(report)).toEqual([]);
  });

  it.each([
    [
      "clients that went elsewhere",
      { faults: [{ ...killed, failOvers: 0 }, leaderKilled] },
      "no client went to another server after SIGKILL to bank-2, an answer on its way",
    ],
    ["retries", { retries: 0 }, "no request was written again"],
    ["duplicates", { duplicates: 0 }, "no request came to a server twice"],
    ["replays", { replays: 0 }, "0 receipts were kept replies, fewer than the 1 that the faults force"],
  ])("names the lack of %s", (_, lack, problem) => {
    expect(missingClusterProof({ ...report, ...lack })).toEqual([problem]);
  });
});

describe("describeClusterReport", () => {
  it("says all that there is, with a row for each fault", () => {
    expect(describeClusterReport(report).join("\n")).toMatchInlineSnapshot(`
      "seed 7: 2 faults
      after           fault                                    longest pause  then
      1220 transfers  SIGKILL to bank-2, an answer on its way  85 ms          2 clients went on at another server
      709 transfers   SIGKILL to member-1, the leader of etcd  595 ms         member-3 led 537 ms later
      1234 transfers, each applied exactly once; 56 refused, none of them applied; the sum was read 60 times, always exact
      pause      595 ms at most that a client had no answer to anything
      fail-overs 3 times a session went to another server, with 9 registrations in all
      retries    40 requests were written again
      duplicates 12 at least came to a server that knew them, 1 of them while the first was under way
      replays    4 receipts came for transfers that had been applied before the session was resumed
      snapshots  5 were stored, 1 servers began with one, and 2 times a running one went on with one
      states     all servers have 0123456789abcdef... at op 2048"
    `);
  });
});
