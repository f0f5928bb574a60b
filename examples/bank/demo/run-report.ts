import type { Fault, PlannedFault } from "./fault-plan.js";
import type { LoadReport } from "./load-report.js";

/** What a run of the demo came to. */
export interface RunReport extends LoadReport {
  readonly seed: number;
  /** Faults that were made, by their kinds. */
  readonly faults: Readonly<Record<Fault["kind"], number>>;
  /** Positions in the log. */
  readonly entries: number;
}

/** How often each kind of fault is in a plan. */
export function countFaults(plan: readonly PlannedFault[]): Record<Fault["kind"], number> {
  const counts = { cut: 0, loseRequests: 0, loseAnswers: 0, kill: 0, killUnanswered: 0 };
  for (const { fault } of plan) counts[fault.kind]++;
  return counts;
}

/** Why the run shows nothing, in words; empty if it shows what it is for. */
export function missingProof({ retries, duplicates, replays, faults, restores }: RunReport): string[] {
  const unanswered = faults.loseAnswers + faults.killUnanswered;
  const missing: string[] = [];
  if (retries < 1) missing.push("no request was written again");
  if (duplicates < 1) missing.push("no request came to a server twice");
  if (duplicates > retries)
    missing.push(`${duplicates} requests came again, and only ${retries} were sent again`);
  if (replays < unanswered) {
    missing.push(`${replays} receipts were kept replies, fewer than the ${unanswered} that the faults force`);
  }
  if (restores < 1) missing.push("no server began with a snapshot");
  return missing;
}

/** The report for people, line by line. */
export function describeReport(report: RunReport): string[] {
  const { faults, transfers, refused, audits, registrations, seed } = report;
  const kills = faults.kill + faults.killUnanswered;
  const cuts = faults.cut + faults.loseRequests + faults.loseAnswers;
  return [
    `seed ${seed}: ${kills} kills (${faults.killUnanswered} with an answer on the way), ${cuts} cut connections ` +
      `(${faults.loseRequests} with requests, ${faults.loseAnswers} with answers on the way)`,
    `${transfers} transfers, each applied exactly once; ${refused} refused, none of them applied; the sum was read ` +
      `${audits} times, always exact`,
    `retries    ${report.retries} requests were written again, under ${registrations} registrations`,
    `duplicates ${report.duplicates} at least came to a server that knew them, ${report.joined} of them while the first was under way`,
    `replays    ${report.replays} receipts came for transfers that had been applied before the session was resumed`,
    `the log had ${report.entries} entries; ${report.snapshots} snapshots were stored, and ${report.restores} servers began with one`,
  ];
}
