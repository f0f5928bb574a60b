import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ListeningMessage } from "./serve-benchmark.js";

/** Benchmark servers on this machine. */
export interface LocalServers extends AsyncDisposable {
  readonly addresses: readonly string[];
}

/**
 * Starts servers on 127.0.0.1, each in a process of its own, so that none of them shares an event loop with the
 * client, and on a port that the system chooses. All of them or none; they end with this process.
 *
 * @param recvBuffer requests that may wait at each; 0 for the library's default
 */
export async function startLocalServers(count: number, recvBuffer: number): Promise<LocalServers> {
  const program = fileURLToPath(new URL("main.js", import.meta.url));
  const args = ["--server", "127.0.0.1:0", "--recv-buffer", `${recvBuffer}`];
  const children = Array.from({ length: count }, () =>
    fork(program, args, { stdio: ["ignore", 2, 2, "ipc"] }),
  );
  const stop = async () => {
    await Promise.all(children.map(end));
  };
  try {
    const addresses = await Promise.all(children.map(addressOf));
    return { addresses, [Symbol.asyncDispose]: stop };
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
