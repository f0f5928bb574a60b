import type { DemoOptions } from "./read-options.js";
import type { RequestCounts } from "./request-counts.js";
import type { RunResult } from "./run-load.js";

/** A run in numbers. */
export interface RunSummary extends RequestCounts {
  /** Milliseconds per file. */
  readonly medianMs: number;
  readonly p95Ms: number;
}

/** What the demo has found out. */
export interface Comparison extends Omit<DemoOptions, "json"> {
  readonly sessions: RunSummary;
  readonly without: RunSummary;
  /** How many requests less there were in sessions, also in percent of those without. */
  readonly savedRequests: number;
  readonly savedPercent: number;
  /** Why the run is no success, in words; empty if it is one. */
  readonly problems: readonly string[];
}

/** What learning must save at least, in percent of the requests, whatever the seed. */
const leastPercent = 10;

/** Compares a run in sessions with one without. */
export function compareRuns(
  { seed, peers, files }: Omit<DemoOptions, "json">,
  sessions: RunResult,
  without: RunResult,
): Comparison {
  const savedRequests = without.requests - sessions.requests;
  const savedPercent = Math.round((1_000 * savedRequests) / without.requests) / 10;
  const problems = [
    ...sessions.failures.map((failure) => `in sessions: ${failure}`),
    ...without.failures.map((failure) => `without: ${failure}`),
  ];
  if (sessions.useful !== without.useful) {
    problems.push(
      `the runs are not the same: ${sessions.useful} and ${without.useful} requests brought something`,
    );
  }
  if (savedPercent < leastPercent) {
    problems.push(`learning saved ${savedPercent} % of the requests, less than ${leastPercent} %`);
  }
  return {
    seed,
    peers,
    files,
    sessions: summarize(sessions),
    without: summarize(without),
    savedRequests,
    savedPercent,
    problems,
  };
}

function summarize({ fileMs, failures: _, ...counts }: RunResult): RunSummary {
  const sorted = [...fileMs].sort((a, b) => a - b);
  const at = (part: number) => Math.round((sorted[Math.ceil(part * sorted.length) - 1] ?? 0) * 10) / 10;
  return { ...counts, medianMs: at(0.5), p95Ms: at(0.95) };
}
