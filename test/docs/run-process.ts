import { execFile } from "node:child_process";
import { delimiter } from "node:path";

/** How a process ended, and what it wrote. */
export interface ProcessResult {
  /** `ended by SIGKILL` if it was ended, for instance by the limit. */
  readonly exit: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, which comes after `limitMs` at the latest. Rejects only if it cannot be started. */
export function runProcess(
  [program, ...args]: readonly [string, ...string[]],
  options: { readonly cwd: string; readonly limitMs: number; readonly path?: string },
): Promise<ProcessResult> {
  const { cwd, limitMs, path = "" } = options;
  // The test runner's own settings are not for the programs of users.
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, PATH, ...env } = process.env;
  return new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      { cwd, env: { ...env, PATH: [path, PATH].join(delimiter) }, timeout: limitMs, killSignal: "SIGKILL" },
      (error, stdout, stderr) => {
        if (error === null) resolve({ exit: 0, stdout, stderr });
        else if (typeof error.code === "string") reject(new Error(`${program} cannot run`, { cause: error }));
        else resolve({ exit: error.code ?? `ended by ${error.signal}`, stdout, stderr });
      },
    );
  });
}

/** Does the work on all of them, on at most `lanes` at a time. */
export async function inLanes<Item>(
  lanes: number,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const lane = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
