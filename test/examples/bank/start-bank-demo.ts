import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Demo, startDemo } from "../start-demo.js";

/** A run of the demo, in a folder for temporary files of its own. */
export interface BankDemo extends AsyncDisposable {
  readonly demo: Demo;
  /** What lies in its folder for temporary files. */
  left(): Promise<string[]>;
}

/** Starts the demo with two kills and three cuts, or with other arguments. */
export async function startBankDemo(
  args: readonly string[] = [],
  preload: (folder: string) => string = () => "",
): Promise<BankDemo> {
  const folder = await mkdtemp(join(tmpdir(), "bank-test-"));
  const demo = startDemo("dist/examples/bank/demo.js", {
    args: ["--json", "--kills", "2", "--cuts", "3", ...args],
    preload: `process.env.TMPDIR = ${JSON.stringify(folder)}; ${preload(folder)}`,
  });
  return {
    demo,
    left: () => readdir(folder),
    [Symbol.asyncDispose]: async () => {
      await demo[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
