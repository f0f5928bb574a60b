import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Demo, startDemo } from "../start-demo.js";

/** A run of a demo, in a folder for temporary files of its own. */
export interface BankDemo extends AsyncDisposable {
  readonly demo: Demo;
  /** What lies in its folder for temporary files. */
  readonly left: () => Promise<string[]>;
  /** The processes that were started with a file in that folder; on Linux. */
  readonly users: () => Promise<string[]>;
}

/** Source that each process of a demo runs before the program, told its folder. */
export type Preload = (folder: string) => string;

const nothing: Preload = () => "";

/** Starts the demo with two kills and three cuts, or with other arguments. */
export function startBankDemo(args: readonly string[] = [], preload = nothing): Promise<BankDemo> {
  return start("demo", ["--json", "--kills", "2", "--cuts", "3", ...args], preload);
}

/** Starts the demo of the cluster with these arguments. */
export function startClusterDemo(args: readonly string[], preload = nothing): Promise<BankDemo> {
  return start("demo-cluster", args, preload);
}

async function start(file: string, args: readonly string[], preload: Preload): Promise<BankDemo> {
  const folder = await mkdtemp(join(tmpdir(), "bank-test-"));
  const demo = startDemo(`dist/examples/bank/${file}.js`, {
    args,
    preload: `process.env.TMPDIR = ${JSON.stringify(folder)}; ${preload(folder)}`,
  });
  return {
    demo,
    left: () => readdir(folder),
    users: () => processesWith(folder),
    [Symbol.asyncDispose]: async () => {
      await demo[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function processesWith(text: string): Promise<string[]> {
  const all = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    // One that ends meanwhile has none.
    all.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.filter((line) => line.includes(text));
}
