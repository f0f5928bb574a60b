import { parseArgs } from "node:util";

/** What a run of the demo is to be. */
export interface DemoOptions {
  /** Prints the outcome as one JSON object to stdout, and all else to stderr. */
  readonly json: boolean;
  readonly seed: number;
  readonly peers: number;
  readonly files: number;
}

/** What the demo was asked to do. */
export type DemoCommand = { readonly kind: "help" } | ({ readonly kind: "run" } & DemoOptions);

/** What `--help` prints. */
export const usage = `Fetches the same files twice from the same peers, in context sessions and without, and compares.

  --seed N     other peers, files and delays (default 1)
  --peers N    peers, 8 to 64 (default 8)
  --files N    files, 20 to 10000 (default 60)
  --json       print the outcome as one JSON object to stdout, all else to stderr

Exit codes: 0 all files were right, and learning saved requests; 1 otherwise, and for wrong arguments.`;

/** Reads the flags. Throws for those that there are not, and for numbers that are none. */
export function readOptions(args: readonly string[]): DemoCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      peers: { type: "string", default: "8" },
      files: { type: "string", default: "60" },
    },
  });
  if (values.help) return { kind: "help" };
  return {
    kind: "run",
    json: values.json,
    seed: wholeNumber("seed", values.seed, 0, 0xffff_ffff),
    // With fewer of them there is little to learn: two or three of them have a file.
    peers: wholeNumber("peers", values.peers, 8, 64),
    files: wholeNumber("files", values.files, 20, 10_000),
  };
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new Error(`--${name} takes a whole number from ${least} to ${most}: not ${text}`);
}
