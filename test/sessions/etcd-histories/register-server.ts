import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { createServer } from "../../../src/server/create-server.js";
import type { Server } from "../../../src/server/server.js";
import { defineService } from "../../../src/service/quorate-service.js";
import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { createSessions, type Sessions } from "../../../src/sessions/index.js";
import { Register as Descriptor } from "../../gen/register/v1/register_pb.js";
import { pause } from "../linearizability/faults.js";
import { RegisterMachine } from "../linearizability/register-machine.js";
import type { RegisterServerInit, SettledServer } from "./host-commands.js";
import { until } from "./until.js";

// Not the generated one, which imports the built package.
const Register = defineService(Descriptor, {
  read: "rpc",
  write: "rpc",
  append: "rpc",
  compareAndSet: "rpc",
});

/** Milliseconds: how long opening is tried, as etcd may have no leader now; and until all is applied, once nobody calls. */
const openMs = 120_000;
const settleMs = 60_000;

/** A server of one history. */
export class RegisterServer {
  readonly #log: CommitLog;
  readonly #machine: RegisterMachine;
  readonly #sessions: Sessions;
  readonly #server: Server;

  private constructor(log: CommitLog, machine: RegisterMachine, sessions: Sessions, server: Server) {
    this.#log = log;
    this.#machine = machine;
    this.#sessions = sessions;
    this.#server = server;
  }

  /**
   * Opens one. Tries again while etcd does not answer.
   *
   * @param onProblem told, in words, if its sessions stop
   */
  static async open(init: RegisterServerInit, onProblem: (problem: string) => void): Promise<RegisterServer> {
    const latest = performance.now() + openMs;
    while (true) {
      try {
        return await RegisterServer.#begin(init, onProblem);
      } catch (error) {
        const { reason } = QuorateError.from(error);
        if (reason !== "LOG_UNAVAILABLE" || performance.now() > latest) throw error;
        await pause(50);
      }
    }
  }

  static async #begin(
    { endpoints, prefix, serverId, address, ...settings }: RegisterServerInit,
    onProblem: (problem: string) => void,
  ): Promise<RegisterServer> {
    const log = openEtcdLog({ endpoints, prefix });
    const machine = new RegisterMachine();
    const sessions = createSessions({ log, serverId, ...settings });
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
      onProblem(`the sessions of ${prefix} have stopped: ${String(sessions.stopped.reason)}`);
    });
    const server = await createServer({ address, extensions: [sessions] });
    return new RegisterServer(log, machine, sessions, server);
  }

  /** Waits until it has applied all that is in the log now. */
  async settle(): Promise<SettledServer> {
    const tail = await this.#log.tail();
    await until(() => this.#sessions.snapshot().appliedOp >= tail, `op ${tail}`, settleMs);
    // In one turn, so that nothing is applied in between.
    const { appliedOp: op, counters, sessions } = this.#sessions.snapshot();
    const register = new TextDecoder().decode(this.#machine.snapshot());
    return { op, register, sessions, replayed: counters.replayed };
  }

  close(): Promise<void> {
    return this.#server.close({ graceMs: 0 });
  }
}
