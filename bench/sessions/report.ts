import { align, indent } from "../shared/align.js";
import type { ContestantResult, RatioResult } from "./comparison.js";
import type { IdleMemory } from "./idle-memory.js";
import type { NamedComparison } from "./results.js";
import type { TableCost } from "./table-cost.js";

/** A comparison as a table of rates, and a line for each ratio. */
export function formatComparison({ contestants, description, name, ratios }: NamedComparison): string {
  const header = ["", "per second", "least", "most", "server µs", "client µs"];
  const table = align([header, ...contestants.map(contestantRow)]);
  return [`${name}: ${description}`, indent(table), ...ratios.map((ratio) => indent(ratioLine(ratio)))].join(
    "\n",
  );
}

/** The costs of tables of different sizes. */
export function formatTableCosts(costs: readonly TableCost[]): string {
  const header = ["sessions", "check µs", "apply µs", "both µs", "requests"];
  const rows = costs.map(({ applyMicros, checkMicros, requests, sessions }) => [
    grouped(sessions),
    checkMicros.toFixed(2),
    applyMicros.toFixed(2),
    (checkMicros + applyMicros).toFixed(2),
    grouped(requests),
  ]);
  return `table: check and apply of a request, the entry decoded\n${indent(align([header, ...rows]))}`;
}

/** The memory of a session. */
export function formatIdleMemory({ bytesPerSession, sessions }: IdleMemory): string {
  return `idle: ${bytesPerSession.toFixed(0)} bytes for each of ${grouped(sessions)} idle sessions without replies`;
}

function contestantRow(result: ContestantResult): string[] {
  const { clientMicros, name, perSecond, serverMicros } = result;
  const rates = [perSecond.median, perSecond.least, perSecond.most].map(grouped);
  return [name, ...rates, micros(serverMicros), micros(clientMicros)];
}

function ratioLine({ atLeast, least, median, met, most, of, to }: RatioResult): string {
  const found = `${of} / ${to}: ${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
  if (atLeast === null) return found;
  return `${found}, target at least ${atLeast}: ${met === true ? "met" : "NOT MET"}`;
}

function micros(value: number | null): string {
  return value === null ? "-" : value.toFixed(1);
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
