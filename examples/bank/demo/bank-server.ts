import { setTimeout as wait } from "node:timers/promises";
import { startProcess, type Worker } from "../../storage/demo/worker.js";
import type { BankServerCommands, ServerStatus } from "./commands.js";
import type { FaultProxy } from "./fault-proxy.js";

/** What all processes of the server have counted together, and what the last of them is. */
export interface ServerTotals extends Omit<ServerStatus, "restored"> {
  /** Processes that began with a snapshot. */
  readonly restores: number;
}

/** The server of the demo, through all its processes. */
export class BankServer {
  readonly #directory: string;
  readonly #proxies: readonly FaultProxy[];
  #worker: Worker<BankServerCommands> | undefined;
  #kills = 0;
  #destroyed = false;
  /** What those that were killed have counted. */
  readonly #killed = { joined: 0, replayed: 0, snapshots: 0, restores: 0 };

  /** @param proxies what is told of each new process, and stands before it */
  constructor(directory: string, proxies: readonly FaultProxy[]) {
    this.#directory = directory;
    this.#proxies = proxies;
  }

  get kills(): number {
    return this.#kills;
  }

  /** Starts a process; returns where it listens. */
  async start(): Promise<string> {
    if (this.#destroyed) throw new Error("the server is not to be started again");
    const script = new URL("../server.js", import.meta.url);
    this.#worker = startProcess(`server ${this.#kills + 1}`, script, [this.#directory, "127.0.0.1:0"]);
    const address = await this.#worker.run("address");
    const { port } = new URL(`tcp://${address}`);
    for (const proxy of this.#proxies) proxy.setTarget(Number(port));
    return address;
  }

  /** Kills the process with SIGKILL, after so long. What it counted until now is kept, and nothing that came after. */
  async kill(afterMs = 0): Promise<void> {
    const { joined, replayed, snapshots, restores } = await this.totals();
    Object.assign(this.#killed, { joined, replayed, snapshots, restores });
    this.#kills++;
    if (afterMs > 0) await wait(afterMs);
    for (const proxy of this.#proxies) proxy.setTarget(undefined);
    await this.#running.kill();
  }

  /** Whether a transfer was applied. */
  hasTransfer(transferId: string): Promise<boolean> {
    return this.#running.run("hasTransfer", transferId);
  }

  /** What all processes have counted together; of those that were killed, what they said last. */
  async totals(): Promise<ServerTotals> {
    const { joined, replayed, snapshots, restored, ...last } = await this.#running.run("status");
    return {
      ...last,
      joined: this.#killed.joined + joined,
      replayed: this.#killed.replayed + replayed,
      snapshots: this.#killed.snapshots + snapshots,
      restores: this.#killed.restores + (restored ? 1 : 0),
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
