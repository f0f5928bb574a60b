import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A process that has a log open, and says what it does line by line. */
export interface LogChild extends AsyncDisposable {
  /** Resolves with its first `count` lines, or with fewer if it has ended. */
  lines(count: number): Promise<readonly string[]>;
  /** Stops the process, as it is. */
  stop(): void;
  /** Lets it go on. */
  resume(): void;
  /** SIGKILL; resolves with all its lines, when it is gone. */
  kill(): Promise<readonly string[]>;
}

/** Starts `append-child.ts`. Without a name it holds the folder and appends nothing. */
export function startChild(directory: string, name?: string): LogChild {
  const script = new URL("append-child.ts", import.meta.url);
  return startScript(script, [directory, ...(name === undefined ? [] : [name])]);
}

/** Starts a script of the tests in a process of its own. */
export function startScript(script: URL, args: readonly string[]): LogChild {
  const all = ["--import", "tsx", fileURLToPath(script), ...args];
  const child = spawn(process.execPath, all, { stdio: ["pipe", "pipe", "inherit"] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  let grown: () => void = () => {};
  reader.on("line", (line) => {
    lines.push(line);
    grown();
  });
  const ended = once(child, "close");
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
    return lines;
  };
  return {
    lines: async (count) => {
      const there = new Promise<void>((resolve) => {
        grown = () => {
          if (lines.length >= count) resolve();
        };
        grown();
      });
      await Promise.race([there, ended]);
      return lines.slice(0, count);
    },
    stop: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill();
    },
  };
}
