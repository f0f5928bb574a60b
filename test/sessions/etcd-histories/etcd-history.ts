import { type Random, seededRandom } from "../../helpers/seeded-random.js";
import { describeOperation } from "../linearizability/explain-violation.js";
import { History, type RecordedOperation } from "../linearizability/history.js";
import type { RegisterInput } from "../linearizability/register-model.js";
import type { CallPace } from "./call-pace.js";
import { drawInteger, drawOne } from "./draw.js";
import type { HistoryPlan } from "./history-plan.js";
import { type CallOptions, patienceMs, RegisterClient } from "./register-client.js";

/** A draw for another generator. */
const seedOf = (random: Random) => drawInteger(random, 1, 2 ** 31);

/** The clients of one register, and what they were told. */
export class EtcdHistory {
  readonly plan: HistoryPlan;
  /** What should not have been, in words. */
  readonly problems: string[] = [];
  failovers = 0;
  /** Clients that ended, in order and not, while others went on. */
  closed = 0;
  crashed = 0;
  /** Calls that have no answer yet. */
  underWay = 0;
  readonly #nodes: readonly string[];
  readonly #pace: CallPace;
  readonly #history = new History();
  readonly #calledMs = new WeakMap<RecordedOperation, number>();
  readonly #clients = new Set<RegisterClient>();

  constructor(plan: HistoryPlan, nodes: readonly string[], pace: CallPace) {
    this.plan = plan;
    this.#pace = pace;
    this.#nodes = nodes;
  }

  /** In the order of their calls, on a clock that counts calls and answers. */
  get recorded(): readonly RecordedOperation[] {
    return this.#history.recorded;
  }

  /** Has the clients call until the signal ends, and then waits for all answers. */
  async run(done: AbortSignal): Promise<void> {
    const random = seededRandom(this.plan.seed);
    await Promise.all(
      Array.from({ length: this.plan.clients }, (_, at) => {
        const own = seededRandom(seedOf(random));
        return this.#runClient(String.fromCharCode(97 + at), own, done);
      }),
    );
  }

  /** Reads every key once more: what was acknowledged must be there. */
  async readAll(): Promise<void> {
    const reader = await this.#open(undefined);
    for (const key of this.plan.keys) {
      await this.#perform(
        reader,
        "reader",
        key,
        { kind: "read" },
        { timeoutMs: patienceMs, isUnmanaged: false },
      );
    }
    await this.#end(reader, false);
  }

  /** Ends all clients at once, for a run that has failed. */
  async abandon(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.crash()));
  }

  /** A line for each call, with when it was made, in milliseconds of `performance.now`. */
  describe(): string {
    const lines = this.recorded.map((operation) => {
      const { called, client, input, key, outcome } = operation;
      const returned = operation.checked?.returned ?? Number.POSITIVE_INFINITY;
      const output = outcome.kind === "answered" ? outcome.output : undefined;
      const text = describeOperation({ called, returned, client, input, key, output });
      const ms = Math.round(this.#calledMs.get(operation) ?? 0);
      return `  ${ms} ms: ${text} (${outcome.kind})`;
    });
    return [`calls of ${JSON.stringify(this.plan)}:`, ...lines].join("\n");
  }

  /** Clients of one name, one after another. */
  async #runClient(name: string, random: Random, done: AbortSignal): Promise<void> {
    for (let life = 1; !done.aborted; life++) {
      const favourite = drawOne(random, [undefined, 1, 2, 3]);
      const [calls, thinkMs] = [drawInteger(random, 6, 30), drawOne(random, [200, 800, 1_600])];
      const crashes = random() < 0.5;
      // One that writes would wait with its writes where a server lags behind, and not see that it does.
      const onlyReads = random() < 0.3;
      const lanes = Array.from({ length: drawInteger(random, 1, 2) }, () => seededRandom(seedOf(random)));
      const client = await this.#open(favourite);
      const caller = new Caller(`${name}${life}`, this.plan, onlyReads);
      let left = calls;
      const callOn = async (lane: Random) => {
        while (left > 0 && !done.aborted) {
          left -= 1;
          const performed = this.#callOnce(client, caller, lane);
          if (left === 0 && crashes) return;
          await performed;
          await this.#pace.wait(thinkMs * lane());
        }
      };
      await Promise.all(lanes.map(callOn));
      const isReplaced = !done.aborted;
      await this.#end(client, crashes && isReplaced);
      if (isReplaced && crashes) this.crashed += 1;
      else if (isReplaced) this.closed += 1;
    }
  }

  async #callOnce(client: RegisterClient, caller: Caller, random: Random): Promise<void> {
    const { input, key, options } = caller.draw(random);
    const operation = await this.#perform(client, caller.name, key, input, options);
    caller.learn(operation);
  }

  async #perform(
    client: RegisterClient,
    name: string,
    key: string,
    input: RegisterInput,
    options: CallOptions,
  ): Promise<RecordedOperation> {
    const operation = this.#history.call(name, key, input);
    this.#calledMs.set(operation, performance.now());
    this.underWay += 1;
    await client.perform(operation, options);
    this.underWay -= 1;
    return operation;
  }

  async #open(favourite: number | undefined): Promise<RegisterClient> {
    const client = await RegisterClient.open({
      nodes: this.#nodes,
      favourite,
      onFailover: () => {
        this.failovers += 1;
      },
      onProblem: (problem) => this.problems.push(problem),
    });
    this.#clients.add(client);
    return client;
  }

  async #end(client: RegisterClient, crashes: boolean): Promise<void> {
    await (crashes ? client.crash() : client.close());
    this.#clients.delete(client);
  }
}

/** Draws the calls of one client. */
class Caller {
  readonly name: string;
  readonly #plan: HistoryPlan;
  readonly #onlyReads: boolean;
  readonly #seen = new Map<string, string>();
  #calls = 0;

  constructor(name: string, plan: HistoryPlan, onlyReads: boolean) {
    this.name = name;
    this.#plan = plan;
    this.#onlyReads = onlyReads;
  }

  draw(random: Random): {
    readonly key: string;
    readonly input: RegisterInput;
    readonly options: CallOptions;
  } {
    const key = drawOne(random, this.#plan.keys);
    const kind = this.#onlyReads ? "read" : drawOne(random, this.#plan.calls);
    const isUnmanaged = kind === "read" && random() < 0.2;
    // Some so short that nobody knows what became of the call.
    const timeoutMs = random() < 0.15 ? 1 + 40 * random() : patienceMs;
    return { key, input: this.#input(kind, key), options: { timeoutMs, isUnmanaged } };
  }

  learn({ key, outcome }: RecordedOperation): void {
    if (outcome.kind === "answered" && outcome.output.value !== undefined)
      this.#seen.set(key, outcome.output.value);
  }

  #input(kind: RegisterInput["kind"], key: string): RegisterInput {
    this.#calls += 1;
    if (kind === "read") return { kind };
    const value = `${this.name}.${this.#calls};`;
    // The last key is for appends alone: whatever goes wrong with them stays to be seen.
    if (kind === "append" || key === "z") return { kind: "append", value };
    return kind === "write" ? { kind, value } : { kind, expected: this.#seen.get(key) ?? "", value };
  }
}
