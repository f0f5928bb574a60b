import { fork } from "node:child_process";

/** A process that runs a server. */
export interface ServerProcess {
  /** Resolves when it has said that it is started; pending for ever if it never does. */
  readonly started: Promise<void>;
  /** Resolves when it is gone. */
  readonly gone: Promise<void>;
  /** How it ended, such as `exit code 0` or `SIGKILL`; undefined while it runs. */
  readonly end: string | undefined;
  /** Ends it in order, within 10 s, then at once. */
  stop(): Promise<void>;
}

/** Starts a program as a server; its output goes to our stderr. It ends when this process does. */
export function startServerProcess(program: string, args: readonly string[]): ServerProcess {
  const child = fork(program, args, { stdio: ["ignore", 2, 2, "ipc"] });
  let end: string | undefined;
  const gone = new Promise<void>((resolve) => {
    const ended = (how: string) => {
      end ??= how;
      resolve();
    };
    child.once("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
    child.once("error", (error) => ended(error.message));
  });
  return {
    started: new Promise((resolve) => child.once("message", () => resolve())),
    gone,
    get end() {
      return end;
    },
    stop: async () => {
      // Not by a signal: a terminal sends Ctrl-C to both processes, and a second one would end it at once.
      if (child.connected) child.disconnect();
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await gone;
      clearTimeout(late);
    },
  };
}
