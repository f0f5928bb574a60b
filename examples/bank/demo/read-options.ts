import { parseArgs } from "node:util";
import { wholeNumber } from "./whole-number.js";

/** What a run of the demo is to be. */
export interface DemoOptions {
  /** Prints the outcome as one JSON object to stdout, and all else to stderr. */
  readonly json: boolean;
  readonly seed: number;
  readonly kills: number;
  readonly cuts: number;
  /** Whether the clients have sessions. Without them, transfers are made more than once, and the run fails. */
  readonly sessions: boolean;
}

/** Reads the flags. Throws for those that there are not, and for numbers that are none. */
export function readOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      kills: { type: "string", default: "10" },
      "without-sessions": { type: "boolean", default: false },
      cuts: { type: "string", default: "14" },
    },
  });
  return {
    json: values.json,
    seed: wholeNumber("seed", values.seed, 0),
    kills: wholeNumber("kills", values.kills, 1),
    sessions: !values["without-sessions"],
    cuts: wholeNumber("cuts", values.cuts, 3),
  };
}
