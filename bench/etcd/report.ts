import { align, indent } from "../shared/align.js";
import type { Unit } from "./benchmarks.js";
import type { ContestantResult, RatioResult } from "./comparison.js";
import type { NamedComparison } from "./results.js";

/** A comparison as a table, and a line for each ratio. */
export function formatComparison({ contestants, description, name, ratios, unit }: NamedComparison): string {
  const hasCpu = contestants.some(({ cpu }) => cpu !== null);
  const header = ["", unit, "least", "most", ...(hasCpu ? cpuHeader : [])];
  const rows = contestants.map((one) => [
    one.name,
    ...[one.value.median, one.value.least, one.value.most].map((value) => formatValue(value, unit)),
    ...(hasCpu ? cpuCells(one) : []),
  ]);
  const lines = [indent(align([header, ...rows])), ...ratios.map((ratio) => indent(ratioLine(ratio)))];
  return [`${name}: ${description}`, ...lines].join("\n");
}

/** All ratios that have a target, in one table. */
export function formatTargets(results: readonly NamedComparison[]): string {
  const rows = results.flatMap(({ name, ratios }) =>
    ratios.flatMap(({ median, met, of, target, to }) =>
      target === null
        ? []
        : [[`${name}: ${of} / ${to}`, targetText(target), median.toFixed(2), metText(met)]],
    ),
  );
  return rows.length === 0 ? "" : align([["", "target", "reached", ""], ...rows]);
}

const cpuHeader = ["client µs", "server µs", "etcd µs", "per batch"];

function cpuCells({ batch, cpu }: ContestantResult): string[] {
  const micros = cpu ?? { client: null, server: null, etcd: null };
  return [micros.client, micros.server, micros.etcd, batch].map((value) => value?.toFixed(1) ?? "-");
}

function ratioLine({ least, median, met, most, of, target, to }: RatioResult): string {
  const found = `${of} / ${to}: ${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
  return target === null ? found : `${found}, target ${targetText(target)}: ${metText(met)}`;
}

function targetText({ kind, value }: NonNullable<RatioResult["target"]>): string {
  return `${kind} ${value}`;
}

function metText(met: boolean | null): string {
  return met === true ? "met" : "NOT MET";
}

function formatValue(value: number, unit: Unit): string {
  if (unit === "per second") return Math.round(value).toLocaleString("en-US");
  return value.toFixed(unit === "ms" ? 2 : 0);
}
