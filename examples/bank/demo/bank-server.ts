import { setTimeout as wait } from "node:timers/promises";
import { startProcess, type Worker } from "../../storage/demo/worker.js";
import type { BankServerCommands, ServerState, ServerStatus } from "./commands.js";
import type { FaultProxy } from "./fault-proxy.js";

/** What all processes of the server have counted together, and what the last of them is. */
export interface ServerTotals extends Omit<ServerStatus, "pid" | "restored"> {
  /** Processes that began with a snapshot. */
  readonly restores: number;
}

/** How a server is started. */
export interface BankServerInit {
  /** Default "server". */
  readonly name?: string;
  /** The folder with the file of its users. */
  readonly directory: string;
  /** More arguments of the program. */
  readonly args?: readonly string[];
  /** What is told of each new process, and stands before it. */
  readonly proxies: readonly Pick<FaultProxy, "setTarget" | "cut">[];
}

/** A server of the demo, through all its processes. */
export class BankServer {
  readonly name: string;
  readonly #args: readonly string[];
  readonly #proxies: BankServerInit["proxies"];
  #worker: Worker<BankServerCommands> | undefined;
  #port: number | undefined;
  #kills = 0;
  #destroyed = false;
  /** What those that were killed have counted. */
  readonly #killed = { joined: 0, replayed: 0, snapshots: 0, restores: 0, reloads: 0 };

  constructor({ name = "server", directory, args = [], proxies }: BankServerInit) {
    this.name = name;
    this.#args = [directory, "127.0.0.1:0", ...args];
    this.#proxies = proxies;
  }

  get kills(): number {
    return this.#kills;
  }

  /** Starts a process; returns where it listens. */
  async start(): Promise<string> {
    if (this.#destroyed) throw new Error("the server is not to be started again");
    const script = new URL("../server.js", import.meta.url);
    this.#worker = startProcess(`${this.name} ${this.#kills + 1}`, script, this.#args);
    const address = await this.#worker.run("address");
    this.#port = Number(new URL(`tcp://${address}`).port);
    this.join();
    return address;
  }

  /** Cuts all connections to it, and lets none come. */
  isolate(): void {
    for (const proxy of this.#proxies) {
      proxy.setTarget(undefined);
      proxy.cut();
    }
  }

  /** Lets connections come. */
  join(): void {
    for (const proxy of this.#proxies) proxy.setTarget(this.#port);
  }

  /** Kills the process with SIGKILL, after so long. What it counted until now is kept, and nothing that came after. */
  async kill(afterMs = 0): Promise<void> {
    const { appliedOp: _op, sessions: _sessions, ...counts } = await this.totals();
    Object.assign(this.#killed, counts);
    this.#kills++;
    if (afterMs > 0) await wait(afterMs);
    for (const proxy of this.#proxies) proxy.setTarget(undefined);
    await this.#running.kill();
  }

  /** Whether a transfer was applied. */
  hasTransfer(transferId: string): Promise<boolean> {
    return this.#running.run("hasTransfer", transferId);
  }

  /** What the bank of this server is now. */
  state(): Promise<ServerState> {
    return this.#running.run("state");
  }

  /** Of the process that runs now. */
  async pid(): Promise<number> {
    return (await this.#running.run("status")).pid;
  }

  /** What all processes have counted together; of those that were killed, what they said last. */
  async totals(): Promise<ServerTotals> {
    const { joined, replayed, snapshots, restored, reloads, appliedOp, sessions } =
      await this.#running.run("status");
    return {
      appliedOp,
      sessions,
      joined: this.#killed.joined + joined,
      replayed: this.#killed.replayed + replayed,
      snapshots: this.#killed.snapshots + snapshots,
      restores: this.#killed.restores + (restored ? 1 : 0),
      reloads: this.#killed.reloads + reloads,
    };
  }

  /** Ends the process in order, and returns its exit code. */
  stop(): Promise<number | null> {
    return this.#running.stop();
  }

  /** Ends the process at once, if there is one, for good. */
  async destroy(): Promise<void> {
    this.#destroyed = true;
    await this.#worker?.kill();
  }

  get #running(): Worker<BankServerCommands> {
    if (this.#worker === undefined) throw new Error("the server was not started");
    return this.#worker;
  }
}
