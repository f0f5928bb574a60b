import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A peer in a process of its own. */
export interface ChildPeer extends AsyncDisposable {
  /** What it printed when it was there: a server its address. */
  readonly line: string;
  /** Stops the process, as it is: its connections stay, and nobody answers on them. */
  stop(): void;
  resume(): void;
  kill(): Promise<void>;
}

/** Starts `child-peer.ts`. */
export async function startPeer(...args: readonly string[]): Promise<ChildPeer> {
  const script = fileURLToPath(new URL("child-peer.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  const [line]: unknown[] = await Promise.race([
    once(child.stdout, "data"),
    exited.then(() => ["it is gone"]),
  ]);
  return {
    line: String(line).trim(),
    stop: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
