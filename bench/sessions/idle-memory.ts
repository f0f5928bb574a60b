import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What idle sessions without replies take in the client table. */
export interface IdleMemory {
  readonly sessions: number;
  readonly bytesPerSession: number;
}

/** Weighs so many sessions, in a process of its own, which the signal ends. */
export async function measureIdleMemory(sessions: number, signal: AbortSignal): Promise<IdleMemory> {
  const program = fileURLToPath(new URL("weigh-table.js", import.meta.url));
  const child = fork(program, [`${sessions}`], {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", 2, 2, "ipc"],
    timeout: timeoutMs,
    signal,
  });
  let bytesPerSession: number | undefined;
  child.on("message", (message: Pick<IdleMemory, "bytesPerSession">) => {
    bytesPerSession = message.bytesPerSession;
  });
  // Also where it does not even start, its end is told.
  child.on("error", () => {});
  const [code, killedBy] = await once(child, "close");
  if (code !== 0 || bytesPerSession === undefined) {
    throw new Error(
      `the memory could not be measured: the process ended with ${killedBy ?? `exit code ${code}`}`,
    );
  }
  return { sessions, bytesPerSession };
}

const timeoutMs = 120_000;
