import { parseArgs } from "node:util";
import { readDuration, readInteger, readNames, readPath } from "../shared/option-values.js";
import { orRefused, refuseOthers } from "../shared/refused-option.js";
import { benchmarkNames } from "./benchmarks.js";
import type { RoundSettings } from "./compare-costs.js";

/** How the tool is run. */
export interface RunOptions extends RoundSettings {
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
    json: readPath("json", values.json),
  };
  return { kind: "run", options };
}

const thorough = { rounds: 7, timeMs: 250, warmupMs: 400 };
const quick = { rounds: 3, timeMs: 50, warmupMs: 100 };
