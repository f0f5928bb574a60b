import type { Comparison, RunSummary } from "./compare-runs.js";

const rows: readonly (readonly [string, (run: RunSummary) => string])[] = [
  ["requests", ({ requests }) => `${requests}`],
  ["  that brought something", ({ useful }) => `${useful}`],
  ["  to peers that lack it", ({ misses }) => `${misses}`],
  ["  answered with wrong bytes", ({ wrong }) => `${wrong}`],
  ["  to a dead peer", ({ unreachable }) => `${unreachable}`],
  ["requests to slow peers", ({ slow }) => `${slow}`],
  ["time per file, median", ({ medianMs }) => `${medianMs.toFixed(1)} ms`],
  ["time per file, p95", ({ p95Ms }) => `${p95Ms.toFixed(1)} ms`],
];

/** The comparison for people, line by line. */
export function describeComparison(comparison: Comparison): string[] {
  const { seed, peers, files, sessions, without, savedRequests, savedPercent, problems } = comparison;
  const line = (name: string, first: string, second: string) =>
    `${name.padEnd(28)}${first.padStart(12)}${second.padStart(14)}`;
  return [
    `${files} files, each at 2 or 3 of ${peers} peers (--seed ${seed}): 2 of them are slow, 1 sends wrong bytes, 1 dies`,
    "",
    line("", "in sessions", "without"),
    ...rows.map(([name, of]) => line(name, of(sessions), of(without))),
    "",
    `learning saved ${savedRequests} of ${without.requests} requests: ${savedPercent.toFixed(1)} %`,
    ...problems.map((problem) => `FAILED: ${problem}`),
  ];
}
