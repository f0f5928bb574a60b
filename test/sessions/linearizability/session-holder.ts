import { fromBinary } from "@bufbuild/protobuf";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { onAbort } from "../../../internal/util/on-abort.js";
import type { Client } from "../../../src/calls/client-types.js";
import { createClient } from "../../../src/calls/create-client.js";
import type { OwnedConfiguration } from "../../../src/configuration/configuration.js";
import { byId, byLatency } from "../../../src/configuration/node-order.js";
import { connect } from "../../../src/connect.js";
import {
  type OpenSessionOptions,
  openSession,
  type RecoveredRequest,
  restoreSession,
  type Session,
  sessionClient,
  type UnmanagedTarget,
  unmanaged,
} from "../../../src/sessions/index.js";
import {
  AppendRequestSchema,
  CompareAndSetRequestSchema,
  ValueSchema,
  WriteRequestSchema,
} from "../../gen/register/v1/register_pb.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import type { NetworkPlug } from "./fault-network.js";
import { pause } from "./faults.js";
import type { Outcome, RecordedOperation } from "./history.js";
import { outcomeOf } from "./outcome.js";
import type { World } from "./world.js";

/** One process of a client, with its connection and its session. */
export class SessionHolder {
  /** Another holder has its place. */
  isReplaced = false;
  /** Ends with the process. */
  readonly gone: AbortSignal;
  /** What is called and has no answer. */
  readonly pending: Set<RecordedOperation> = new Set<RecordedOperation>();
  readonly #register: Client<typeof Register, Session>;
  readonly #unmanaged: Client<typeof Register, UnmanagedTarget>;
  readonly #world: World;
  readonly #plug: NetworkPlug;
  readonly #configuration: OwnedConfiguration;
  readonly #session: Session;
  readonly #journal: Journal;
  readonly #end = new AbortController();

  private constructor(
    world: World,
    plug: NetworkPlug,
    configuration: OwnedConfiguration,
    session: Session,
    journal: Journal,
  ) {
    this.#world = world;
    this.#plug = plug;
    this.#configuration = configuration;
    this.#session = session;
    this.#journal = journal;
    this.gone = this.#end.signal;
    this.#register = createClient(Register, session);
    this.#unmanaged = createClient(Register, unmanaged(configuration));
    void this.#watch();
  }

  /** A process with a new session, or with the one that the bytes stand for. Rejects as the library does. */
  static async start(world: World, bytes?: Uint8Array): Promise<SessionHolder> {
    const { faults, network, nodes } = world;
    const plug = network.plug();
    const backoff = { minMs: 2, maxMs: 60 };
    const extensions = [sessionClient()];
    const configuration = await connect({ nodes, transport: plug, extensions, backoff });
    const journal = new Journal(world);
    const options: OpenSessionOptions = {
      backoff,
      prefer: faults.pick([byLatency, byId, (a, b) => b.id - a.id]),
      journal: (stored) => journal.store(stored),
    };
    try {
      const session =
        bytes === undefined
          ? await openSession(configuration, options)
          : await restoreSession(configuration, bytes, options);
      const holder = new SessionHolder(world, plug, configuration, session, journal);
      for (const request of session.recovered) holder.#recover(request);
      return holder;
    } catch (error) {
      await configuration.close({ graceMs: 0 });
      throw error;
    }
  }

  /**
   * Makes a call, and records what becomes of it; "unknown" if the process ends meanwhile.
   *
   * @param abandonMs when the caller leaves, in milliseconds
   */
  async perform(operation: RecordedOperation, abandonMs: number | undefined): Promise<Outcome["kind"]> {
    if (abandonMs === undefined) this.pending.add(operation);
    const timeoutMs = abandonMs ?? patienceMs;
    const started = performance.now();
    const settled = this.#settle(operation, this.#call(operation, timeoutMs), false);
    let stop = () => {};
    const ended = new Promise<Outcome>((resolve) => {
      stop = onAbort(this.gone, () => resolve({ kind: "unknown" }));
    });
    const { kind } = await Promise.race([settled, ended]);
    stop();
    if (!this.gone.aborted) this.pending.delete(operation);
    if (performance.now() - started >= patienceMs) {
      this.#world.problems.push(`a call of ${operation.input.kind} had no answer for ${patienceMs} ms`);
    }
    return kind;
  }

  /** What was stored last. */
  get journalled(): Uint8Array {
    return this.#journal.stored;
  }

  /** The session as it is now; undefined once it has ended. */
  get exported(): Uint8Array | undefined {
    try {
      return this.#session.export();
    } catch (error) {
      if (QuorateError.from(error).reason === "NO_SESSION") return undefined;
      throw error;
    }
  }

  /** The values of the requests that it has taken over. */
  get recoveredValues(): ReadonlySet<string> {
    return new Set(this.#session.recovered.map(valueOf));
  }

  /** Ends the process at once. */
  async crash(): Promise<void> {
    this.#end.abort();
    this.#journal.lose();
    this.#plug.pull();
    await this.#configuration.close({ graceMs: 0 });
  }

  /** Ends the session in order, or leaves it to the servers. */
  async close(): Promise<void> {
    this.#end.abort();
    if (this.#world.faults.integer(0, 1) === 0) await this.#session.close({ timeoutMs: patienceMs });
    await this.#configuration.close();
  }

  #call({ input, key }: RecordedOperation, timeoutMs: number): Promise<{ readonly value?: string }> {
    switch (input.kind) {
      case "read":
        // Without a session reads are as good, but wait for ever for an answer that is lost.
        return this.#world.faults.integer(0, 4) > 0
          ? this.#register.read({ key }, { timeoutMs })
          : this.#unmanaged.read({ key }, { timeoutMs: Math.min(timeoutMs, 5_000) });
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

  #recover(request: RecoveredRequest): void {
    const operation = this.#world.history.withValue(valueOf(request));
    const isWrite = operation.input.kind === "write";
    const reply = request.reply.then((bytes) => {
      if (!this.gone.aborted) this.#world.totals.recovered += 1;
      return isWrite ? {} : { value: fromBinary(ValueSchema, bytes).value };
    });
    void this.#settle(operation, reply, true);
  }

  async #settle(
    operation: RecordedOperation,
    answer: Promise<{ readonly value?: string }>,
    isRecovered: boolean,
  ): Promise<Outcome> {
    const outcome = await outcomeOf(operation.input, answer, isRecovered);
    if (this.gone.aborted) return { kind: "unknown" };
    if (outcome.kind === "unexpected") {
      this.#world.problems.push(`a call of ${operation.input.kind} has failed: ${outcome.error}`);
      return { kind: "unknown" };
    }
    try {
      operation.settle(outcome);
    } catch (error) {
      this.#world.problems.push(String(error));
    }
    return outcome;
  }

  /** Whether the run has given it a reason to. */
  #mayEnd(reason: string | undefined): boolean {
    // Another holder may have taken it over, and have unregistered it by now. Where it was evicted, a late Register of
    // its own may have made another one under its client id.
    const hasReason = this.isReplaced || this.#world.sessionsEnd;
    return hasReason && (reason === "SESSION_MISMATCH" || reason === "NO_SESSION");
  }

  async #watch(): Promise<void> {
    for await (const event of this.#session.events) {
      if (event.kind !== "ended" || event.error === undefined || this.gone.aborted) continue;
      this.#world.totals.ended += 1;
      if (!this.#mayEnd(event.error.reason)) {
        this.#world.problems.push(`a session has ended: ${String(event.error)}`);
      }
    }
  }
}

/** How long a caller waits that does not leave early, in milliseconds: no fault takes as long. */
const patienceMs = 900_000;

/** Bytes that survive the process. */
class Journal {
  readonly #world: World;
  #stored: Uint8Array | undefined;
  #isLost = false;

  constructor(world: World) {
    this.#world = world;
  }

  async store(bytes: Uint8Array): Promise<void> {
    await pause(this.#world.faults.between(0, 2));
    if (!this.#isLost) this.#stored = bytes;
  }

  get stored(): Uint8Array {
    if (this.#stored === undefined) throw new Error("a session was opened that is in no journal");
    return this.#stored;
  }

  /** Nothing more is stored. */
  lose(): void {
    this.#isLost = true;
  }
}

const requestSchemas = {
  Write: WriteRequestSchema,
  Append: AppendRequestSchema,
  CompareAndSet: CompareAndSetRequestSchema,
};

/** What the request wanted to write, which is different in each. */
function valueOf({ method, payload }: RecoveredRequest): string {
  const [, schema] = Object.entries(requestSchemas).find(([name]) => method.endsWith(name)) ?? [];
  if (schema === undefined) throw new Error(`a request of ${method} was recovered`);
  return fromBinary(schema, payload).value;
}
