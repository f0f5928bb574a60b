import type { LoadReport } from "../demo/load-report.js";
import type { ClusterFault } from "./cluster-plan.js";
import type { ClusterFaultOutcome } from "./make-cluster-fault.js";

/** A fault that was made. */
export interface ReportedFault extends ClusterFaultOutcome {
  readonly kind: ClusterFault["kind"];
  /** Transfers that were answered since all had recovered from the fault before. */
  readonly transfers: number;
  /** The longest time in which a client had no answer to anything, from this fault until all had recovered. */
  readonly pauseMs: number;
}

/** What a run of the demo came to. */
export interface ClusterReport extends LoadReport {
  readonly seed: number;
  readonly faults: readonly ReportedFault[];
  /** Times that a session went to another server. */
  readonly failOvers: number;
  /** Times that a running server went on with a snapshot, as entries that it had not applied yet were forgotten. */
  readonly reloads: number;
  /** The longest time in which a client had no answer to anything, in the whole run. */
  readonly longestPauseMs: number;
  /** Where all servers were when their states were compared. */
  readonly op: number;
  /** What their states had in common then. */
  readonly digest: string;
}

/** Why the run shows nothing, in words; empty if it shows what it is for. */
export function missingClusterProof({ faults, retries, duplicates, replays }: ClusterReport): string[] {
  const missing = faults
    .filter(({ kind, failOvers }) => kind !== "killLeader" && failOvers === 0)
    .map(({ fault }) => `no client went to another server after ${fault}`);
  const unanswered = faults.filter(({ kind }) => kind === "killUnanswered").length;
  if (retries < 1) missing.push("no request was written again");
  if (duplicates < 1) missing.push("no request came to a server twice");
  if (replays < unanswered) {
    missing.push(`${replays} receipts were kept replies, fewer than the ${unanswered} that the faults force`);
  }
  return missing;
}

/** The report for people, line by line. */
export function describeClusterReport(report: ClusterReport): string[] {
  const { seed, faults, transfers, refused, audits } = report;
  const rows = faults.map(({ fault, effect, pauseMs, transfers: count }) => [
    `${count} transfers`,
    fault,
    `${pauseMs} ms`,
    effect,
  ]);
  return [
    `seed ${seed}: ${faults.length} faults`,
    ...table([["after", "fault", "longest pause", "then"], ...rows]),
    `${transfers} transfers, each applied exactly once; ${refused} refused, none of them applied; the sum was read ` +
      `${audits} times, always exact`,
    `pause      ${report.longestPauseMs} ms at most that a client had no answer to anything`,
    `fail-overs ${report.failOvers} times a session went to another server, with ${report.registrations} registrations in all`,
    `retries    ${report.retries} requests were written again`,
    `duplicates ${report.duplicates} at least came to a server that knew them, ${report.joined} of them while the first was under way`,
    `replays    ${report.replays} receipts came for transfers that had been applied before the session was resumed`,
    `snapshots  ${report.snapshots} were stored, ${report.restores} servers began with one, and ${report.reloads} times a running one went on with one`,
    `states     all servers have ${report.digest.slice(0, 16)}... at op ${report.op}`,
  ];
}

/** Columns two spaces apart. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
