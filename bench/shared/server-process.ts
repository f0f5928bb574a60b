import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** A server of a benchmark in a process of its own, which ends with this one. */
export interface ServerProcess extends AsyncDisposable {
  /** Where it listens. */
  readonly address: string;
  /** The other end of its `process.send`. */
  readonly child: ChildProcess;
}

/** What a server tells the process that started it, if that left an IPC channel to it. */
export interface ListeningMessage {
  readonly address: string;
}

/**
 * Starts a server and waits until it says where it listens; rejects, with no process left, if it does not. The signal
 * ends the process whenever it comes, at once.
 */
export async function startServerProcess(
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<ServerProcess> {
  const child = fork(program, args, {
    stdio: ["ignore", 2, 2, "ipc"],
    killSignal: "SIGKILL",
    ...(signal === undefined ? {} : { signal }),
  });
  const stop = () => end(child);
  try {
    return { address: await addressOf(child), child, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const startTimeoutMs = 30_000;
const endTimeoutMs = 5_000;

/** Where it listens, as soon as it does. */
async function addressOf(child: ChildProcess): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const listening = new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`a local server could not be started: ${why}`));
    child.once("message", ({ address }: ListeningMessage) => resolve(address));
    child.once("exit", (code, signal) => fail(`it ended with ${signal ?? `exit code ${code}`}`));
    child.on("error", ({ message }) => fail(message));
    timer = setTimeout(() => fail(`it does not listen after ${startTimeoutMs} ms`), startTimeoutMs);
  });
  return listening.finally(() => clearTimeout(timer));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), endTimeoutMs);
  await exit;
  clearTimeout(timer);
}
