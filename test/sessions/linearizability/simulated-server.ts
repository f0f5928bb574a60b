import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { createServer } from "../../../src/server/create-server.js";
import type { Server } from "../../../src/server/server.js";
import { createSessions, type Sessions } from "../../../src/sessions/index.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { FaultLog } from "./fault-log.js";
import type { NetworkPlug } from "./fault-network.js";
import { pause } from "./faults.js";
import { RegisterMachine } from "./register-machine.js";
import type { World } from "./world.js";

/** One life of a server, from a start to a crash. */
interface Life {
  readonly log: FaultLog;
  readonly plug: NetworkPlug;
  readonly machine: RegisterMachine;
  readonly sessions: Sessions;
  readonly server: Server;
}

/** A server of the register, which crashes and comes back with nothing but the log. */
export class SimulatedServer {
  readonly address: string;
  readonly #world: World;
  #life: Life | undefined;
  #starting: FaultLog | undefined;
  readonly #ending: Promise<void>[] = [];

  constructor(address: string, world: World) {
    this.address = address;
    this.#world = world;
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  /** Starts it, as often as it takes. */
  async start(): Promise<void> {
    const { faults, network, problems } = this.#world;
    network.restart(this.address);
    while (this.#life === undefined) {
      try {
        this.#life = await this.#begin();
      } catch (error) {
        const { reason } = QuorateError.from(error);
        if (reason !== "LOG_UNAVAILABLE" && reason !== "CLOSED") problems.push(`no start: ${String(error)}`);
        await pause(faults.between(1, 50));
      }
    }
  }

  /** Crashes it, while it starts, too. */
  crash(): void {
    const life = this.#life;
    this.#starting?.crash();
    if (life === undefined) return;
    this.#life = undefined;
    this.#world.network.crash(this.address);
    life.plug.pull();
    life.log.crash();
    this.#count(life);
    // What is left of the process: it reaches nobody any more.
    this.#ending.push(life.server.close({ graceMs: 0 }));
  }

  /** Has it lag behind the log for so many milliseconds. */
  stall(ms: number): void {
    this.#life?.log.stall(ms);
  }

  /** The position up to which it has applied the log. */
  get applied(): number {
    return this.#up.sessions.snapshot().appliedOp;
  }

  get machine(): RegisterMachine {
    return this.#up.machine;
  }

  async close(): Promise<void> {
    const life = this.#up;
    this.#count(life);
    this.#ending.push(life.server.close());
    await Promise.all(this.#ending);
  }

  get #up(): Life {
    if (this.#life === undefined) throw new Error(`the server ${this.address} is down`);
    return this.#life;
  }

  async #begin(): Promise<Life> {
    const { fail, faults, limits, network, settings, store } = this.#world;
    const log = new FaultLog(store.open(), faults);
    const machine = new RegisterMachine();
    const sessions = createSessions({ log, limits, serverId: this.address, ...settings });
    sessions.replicate(
      Register,
      {
        read: (request) => machine.read(request),
        write: (request) => machine.write(request),
        append: (request) => machine.append(request),
        compareAndSet: (request) => machine.compareAndSet(request),
      },
      { snapshot: () => machine.snapshot(), restore: (bytes) => machine.restore(bytes) },
    );
    sessions.stopped.addEventListener("abort", () => {
      if (log.isCrashed) return;
      fail(`the sessions of ${this.address} have stopped: ${String(sessions.stopped.reason)}`);
    });
    const plug = network.plug();
    this.#starting = log;
    try {
      const server = await createServer({ address: this.address, transport: plug, extensions: [sessions] });
      return { log, plug, machine, sessions, server };
    } finally {
      this.#starting = undefined;
    }
  }

  #count({ sessions }: Life): void {
    const { counters } = sessions.snapshot();
    this.#world.totals.joined += counters.joined;
    this.#world.totals.replayed += counters.replayed;
  }
}
