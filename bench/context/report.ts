import { align, indent } from "../shared/align.js";
import type { CostRow } from "./compare-costs.js";
import type { BenchmarkResult } from "./results.js";

/** A benchmark as a table of costs, and of how many times those of another they are. */
export function formatBenchmark({ description, name, rows }: BenchmarkResult): string {
  const header = ["", "CPU µs", "least", "most", "ratio", "least", "most", "compared with"];
  return `${name}: ${description}\n${indent(align([header, ...rows.map(cells)]))}`;
}

function cells({ micros, name, ratio, to }: CostRow): string[] {
  const costs = [micros.median, micros.least, micros.most].map(threeDigits);
  const ratios = ratio === null ? none : [ratio.median, ratio.least, ratio.most].map((one) => one.toFixed(2));
  return [name, ...costs, ...ratios, to ?? "-"];
}

const none = ["-", "-", "-"];

/** Or so, whatever the size. */
function threeDigits(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(value < 1 ? 3 : value < 10 ? 2 : 1);
}
