import { onAbort } from "../../../internal/util/on-abort.js";
import type { Client } from "../../../src/calls/client-types.js";
import { createClient } from "../../../src/calls/create-client.js";
import type { OwnedConfiguration } from "../../../src/configuration/configuration.js";
import { byLatency, type NodeOrder } from "../../../src/configuration/node-order.js";
import { connect } from "../../../src/connect.js";
import {
  openSession,
  type Session,
  sessionClient,
  type UnmanagedTarget,
  unmanaged,
} from "../../../src/sessions/index.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import type { Outcome, RecordedOperation } from "../linearizability/history.js";
import { outcomeOf } from "../linearizability/outcome.js";

/** How long a caller waits that does not leave early, in milliseconds: no fault takes as long. */
export const patienceMs = 120_000;

/** What a client works with, and whom it tells. */
export interface RegisterClientInit {
  /** The addresses of the servers. */
  readonly nodes: readonly string[];
  /** Which of them it likes best; undefined for the fastest. */
  readonly favourite: number | undefined;
  readonly onFailover: () => void;
  /** Told in words what should not have been. */
  readonly onProblem: (problem: string) => void;
}

/** How a call is made. */
export interface CallOptions {
  readonly timeoutMs: number;
  /** Without the session, which reads can be. */
  readonly isUnmanaged: boolean;
}

/** A client with a session of its own, from its opening to its end. */
export class RegisterClient {
  readonly #init: RegisterClientInit;
  readonly #configuration: OwnedConfiguration;
  readonly #session: Session;
  readonly #register: Client<typeof Register, Session>;
  readonly #unmanaged: Client<typeof Register, UnmanagedTarget>;
  readonly #gone = new AbortController();

  private constructor(init: RegisterClientInit, configuration: OwnedConfiguration, session: Session) {
    this.#init = init;
    this.#configuration = configuration;
    this.#session = session;
    this.#register = createClient(Register, session);
    this.#unmanaged = createClient(Register, unmanaged(configuration));
    void this.#watch();
  }

  /** Connects to all servers, and opens a session at one of them. */
  static async open(init: RegisterClientInit): Promise<RegisterClient> {
    const { favourite, nodes } = init;
    const backoff = { minMs: 10, maxMs: 400 };
    const configuration = await connect({ nodes, extensions: [sessionClient()], backoff });
    const prefer = favourite === undefined ? byLatency : beginningAt(favourite, nodes.length);
    try {
      const options = { backoff, prefer, tryTimeoutMs: 1_500, timeoutMs: patienceMs };
      return new RegisterClient(init, configuration, await openSession(configuration, options));
    } catch (error) {
      await configuration.close({ graceMs: 0 });
      throw error;
    }
  }

  /** Makes a call, and records what becomes of it; nothing does if the client is gone before. */
  async perform(operation: RecordedOperation, options: CallOptions): Promise<void> {
    const answer = this.#call(operation, options);
    const settled = outcomeOf(operation.input, answer, false);
    let stop = () => {};
    const ended = new Promise<Outcome>((resolve) => {
      stop = onAbort(this.#gone.signal, () => resolve({ kind: "unknown" }));
    });
    const outcome = await Promise.race([settled, ended]);
    stop();
    if (outcome.kind === "unexpected") {
      this.#init.onProblem(`a call of ${operation.input.kind} has failed: ${outcome.error}`);
    } else operation.settle(outcome);
    if (outcome.kind === "neverApplied") this.#init.onProblem("a session has ended under its client");
    if (outcome.kind === "unknown" && options.timeoutMs === patienceMs && !this.#gone.signal.aborted) {
      this.#init.onProblem(`a call of ${operation.input.kind} had no answer for ${patienceMs} ms`);
    }
  }

  /** Ends in order: what was called is finished before. */
  async close(): Promise<void> {
    await this.#session.close({ timeoutMs: patienceMs });
    this.#gone.abort();
    await this.#configuration.close();
  }

  /** Ends at once, and leaves its session to the servers. */
  async crash(): Promise<void> {
    this.#gone.abort();
    await this.#configuration.close({ graceMs: 0 });
  }

  #call(
    { input, key }: RecordedOperation,
    { isUnmanaged, timeoutMs }: CallOptions,
  ): Promise<{ readonly value?: string }> {
    switch (input.kind) {
      case "read":
        return (isUnmanaged ? this.#unmanaged : this.#register).read({ key }, { timeoutMs });
      case "write":
        return this.#register.write({ key, value: input.value }, { timeoutMs }).then(() => ({}));
      case "append":
        return this.#register.append({ key, value: input.value }, { timeoutMs });
      case "compareAndSet":
        return this.#register.compareAndSet({ key, ...input }, { timeoutMs });
      default:
        return input;
    }
  }

  async #watch(): Promise<void> {
    for await (const event of this.#session.events) {
      if (this.#gone.signal.aborted) continue;
      if (event.kind === "failingOver") this.#init.onFailover();
      if (event.kind === "ended" && event.error !== undefined) {
        this.#init.onProblem(`a session has ended: ${String(event.error)}`);
      }
    }
  }
}

/** The nodes in a circle, from this one on. */
function beginningAt(favourite: number, nodes: number): NodeOrder {
  const distance = (id: number) => (id - favourite + nodes) % nodes;
  return (a, b) => distance(a.id) - distance(b.id);
}
