import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type PausedProcess, pauseProcess } from "../../../examples/bank/cluster/pause-process.js";
import type { AnswerMessage } from "../../../examples/storage/demo/serve-commands.js";
import type { HostCommands, HostProblem } from "./host-commands.js";

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A process with one server of each history of a wave. */
export class HostProcess {
  readonly name: string;
  readonly #onProblem: (problem: string) => void;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #paused: PausedProcess | undefined;
  #lastId = 0;

  constructor(name: string, onProblem: (problem: string) => void) {
    this.name = name;
    this.#onProblem = onProblem;
    this.#child = fork(fileURLToPath(new URL("history-host.ts", import.meta.url)), [], {
      execArgv: ["--import", "tsx"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child.on("message", (message: AnswerMessage | HostProblem) => this.#read(message));
    this.#child.on("error", (error) => this.#fail(`failed: ${error.message}`));
    this.#child.once("exit", (code, signal) => this.#fail(`ended: ${signal ?? `exit code ${code}`}`));
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Runs a command there. Rejects with its error, or if the process ends before it answered. */
  run<Name extends keyof HostCommands>(
    name: Name,
    ...[input]: Parameters<HostCommands[Name]>
  ): Promise<Awaited<ReturnType<HostCommands[Name]>>> {
    return new Promise((resolve, reject) => {
      if (!this.isRunning) return reject(new Error(`${this.name} does not run`));
      const id = ++this.#lastId;
      // What a command of this name answers with is known to be of its type.
      this.#waiting.set(id, { resolve: (value) => resolve(value as never), reject });
      this.#child.send({ id, name, input }, (error) => {
        if (error === null) return;
        this.#waiting.delete(id);
        reject(new Error(`${this.name} cannot be told anything: ${error.message}`));
      });
    });
  }

  /** Stops it with SIGSTOP, until `resume`; it goes on as well if this process ends meanwhile. */
  async stop(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.name} was not started`);
    this.#paused = await pauseProcess(pid);
  }

  async resume(): Promise<void> {
    await this.#paused?.resume();
    this.#paused = undefined;
  }

  /** Kills it with SIGKILL, also while it is stopped; resolves once it is gone. */
  async kill(): Promise<void> {
    if (this.isRunning) {
      const exit = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exit;
    }
    // Its keeper finds nobody left to go on.
    await this.resume();
  }

  #read(message: AnswerMessage | HostProblem): void {
    if ("problem" in message) return this.#onProblem(`${this.name}: ${message.problem}`);
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.ok) waiting?.resolve(message.value);
    else waiting?.reject(new Error(`${this.name}: ${message.error}`));
  }

  #fail(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(`${this.name} ${why}`));
    this.#waiting.clear();
  }
}
