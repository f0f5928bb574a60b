import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

/** A process that does nothing, until it is disposed of. */
export interface IdleProcess extends AsyncDisposable {
  readonly pid: number;
  /** Whether it is stopped, as by SIGSTOP; on Linux. */
  readonly isStopped: () => boolean;
}

/** Starts such a process. */
export function startIdleProcess(): IdleProcess {
  const child = spawn("sleep", ["60"]);
  const { pid } = child;
  if (pid === undefined) throw new Error("there is no process");
  return {
    pid,
    isStopped: () => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8")),
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
