import { parseArgs } from "node:util";
import { readDuration, readInteger, readNames, readPath } from "../shared/option-values.js";
import { orRefused, RefusedOption, refuseOthers } from "../shared/refused-option.js";
import type { BenchmarkSettings } from "./benchmark-settings.js";
import { benchmarkNames } from "./benchmarks.js";

/** How the tool is run. */
export interface RunOptions extends Omit<BenchmarkSettings, "signal"> {
  /** The names of the benchmarks to run, in the order of {@link benchmarkNames}; default all. */
  readonly only: readonly string[];
  /** The file that the results are written to as one JSON object; default none. */
  readonly json: string | undefined;
}

/** What the tool was asked to do. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "list" }
  | { readonly kind: "run"; readonly options: RunOptions }
  | { readonly kind: "refused"; readonly reason: string };

/** Reads the arguments of the tool. What is wrong with them is told with the name of the option. */
export function parseOptions(args: readonly string[]): Command {
  return orRefused(() => read(args));
}

const flags = {
  help: { type: "boolean" },
  list: { type: "boolean" },
  only: { type: "string", multiple: true },
  quick: { type: "boolean" },
  rounds: { type: "string" },
  time: { type: "string" },
  warmup: { type: "string" },
  members: { type: "string" },
  rate: { type: "string" },
  entries: { type: "string" },
  snapshot: { type: "string" },
  json: { type: "string" },
} as const;

function read(args: readonly string[]): Exclude<Command, { kind: "refused" }> {
  const { values } = parseArgs({ args: [...args], options: flags, strict: true });
  if (values.help === true) return { kind: "help" };
  if (values.list === true) {
    refuseOthers("list", Object.keys(values), []);
    return { kind: "list" };
  }
  const byDefault = values.quick === true ? quick : thorough;
  const options: RunOptions = {
    only: readNames("only", values.only, benchmarkNames),
    rounds: readInteger("rounds", values.rounds, byDefault.rounds, 1, 1_000),
    timeMs: readDuration("time", values.time, byDefault.timeMs, 1),
    warmupMs: readDuration("warmup", values.warmup, byDefault.warmupMs, 0),
    members: readMembers(values.members),
    rate: readInteger("rate", values.rate, 200, 1, 1_000),
    entries: readInteger("entries", values.entries, byDefault.entries, 64, 1_000_000),
    snapshotMib: readInteger("snapshot", values.snapshot, byDefault.snapshotMib, 1, 256),
    json: readPath("json", values.json),
  };
  return { kind: "run", options };
}

/** Clusters of an even number stand no more losses than those of one less. */
function readMembers(text = "3"): number {
  if (text === "1" || text === "3") return Number(text);
  throw new RefusedOption(`--members must be 1 or 3, not "${text}"`);
}

const thorough = { rounds: 7, timeMs: 1_000, warmupMs: 1_000, entries: 64_000, snapshotMib: 16 };
const quick = { rounds: 3, timeMs: 300, warmupMs: 300, entries: 6_400, snapshotMib: 4 };
