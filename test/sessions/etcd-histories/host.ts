import type { RegisterServerInit, SettledServer } from "./host-commands.js";
import { HostProcess } from "./host-process.js";

/** What servers of all histories live on, one of each; through all its processes. */
export class Host {
  readonly name: string;
  readonly #onProblem: (problem: string) => void;
  #process: HostProcess;
  #inits: readonly RegisterServerInit[] = [];

  constructor(name: string, onProblem: (problem: string) => void) {
    this.name = name;
    this.#onProblem = onProblem;
    this.#process = new HostProcess(name, onProblem);
  }

  /** Opens its servers. */
  async open(inits: readonly RegisterServerInit[]): Promise<void> {
    this.#inits = inits;
    await this.#process.run("open", inits);
  }

  settle(prefix: string): Promise<SettledServer> {
    return this.#process.run("settle", prefix);
  }

  async closeAll(): Promise<void> {
    this.#inits = [];
    await this.#process.run("closeAll");
  }

  /** Kills its process with SIGKILL; resolves once it is gone. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** Starts another process with the same servers. */
  async restart(): Promise<void> {
    this.#process = new HostProcess(this.name, this.#onProblem);
    await this.#process.run("open", this.#inits);
  }

  /** Stops its process with SIGSTOP. */
  stop(): Promise<void> {
    return this.#process.stop();
  }

  resume(): Promise<void> {
    return this.#process.resume();
  }
}
