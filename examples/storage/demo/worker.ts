import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { AnswerMessage, Commands } from "./serve-commands.js";

/** A process of the demo, as seen by the one that started it. */
export interface Worker<Served extends Commands> {
  readonly name: string;
  /** Runs a command there. Rejects with its error, or if the process ends before it answered. */
  run<Name extends keyof Served & string>(
    name: Name,
    ...input: Parameters<Served[Name]>
  ): Promise<Awaited<ReturnType<Served[Name]>>>;
  /** Kills it with SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Ends it in order, and returns its exit code. */
  stop(): Promise<number | null>;
}

/** Starts a process of this example; its output goes to our stderr. */
export function startWorker<Served extends Commands>(
  name: string,
  file: "server" | "client",
  args: readonly string[],
): Worker<Served> {
  return startProcess(name, new URL(`../${file}.js`, import.meta.url), args);
}

/** Starts a program that serves commands; its output goes to our stderr. */
export function startProcess<Served extends Commands>(
  name: string,
  script: URL,
  args: readonly string[],
): Worker<Served> {
  const child = fork(fileURLToPath(script), args, { stdio: ["ignore", 2, 2, "ipc"] });
  const open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  child.on("message", (answer: AnswerMessage) => {
    const waiting = open.get(answer.id);
    open.delete(answer.id);
    if (answer.ok) waiting?.resolve(answer.value);
    else waiting?.reject(new Error(`${name}: ${answer.error}`));
  });
  const failAll = (why: string) => {
    for (const { reject } of open.values()) reject(new Error(`${name} ${why}`));
    open.clear();
  };
  child.once("exit", (code, signal) => failAll(`ended: ${signal ?? `exit code ${code}`}`));
  child.on("error", (error) => failAll(`failed: ${error.message}`));
  return {
    name,
    run: (command, ...[input]) =>
      new Promise((resolve, reject) => {
        if (isGone(child)) return reject(new Error(`${name} is not running`));
        const id = ++lastId;
        open.set(id, { resolve: (value) => resolve(value as never), reject });
        child.send({ id, name: command, input }, (error) => {
          if (error === null) return;
          open.delete(id);
          reject(new Error(`${name} cannot be told anything: ${error.message}`));
        });
      }),
    kill: () => end(child, "SIGKILL"),
    stop: async () => {
      await end(child, "SIGTERM");
      return child.exitCode;
    },
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (isGone(child)) return;
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
}

function isGone(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
