import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A process that is stopped. */
export interface PausedProcess {
  /** Has it go on; resolves when it was told to. */
  resume(): Promise<void>;
}

/** Stops a process, says so, and has it go on when nobody holds the other end of its input any longer. */
const keeper = `kill -STOP "$1" || exit 1; echo stopped; while read -r _; do :; done; kill -CONT "$1"`;

/**
 * Stops a process with SIGSTOP. It goes on with `resume`, and also when this process ends, by SIGKILL too: one that is
 * stopped would not notice, and would be left for ever. Throws for a process that is not there.
 */
export async function pauseProcess(pid: number): Promise<PausedProcess> {
  const child = spawn("sh", ["-c", keeper, "pause", String(pid)], { stdio: ["pipe", "pipe", "ignore"] });
  const ended = once(child, "exit");
  const stopped = once(createInterface({ input: child.stdout }), "line");
  if ((await Promise.race([stopped, ended.then(() => undefined)])) === undefined) {
    throw new Error(`process ${pid} cannot be stopped`);
  }
  return {
    resume: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
