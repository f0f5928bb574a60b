import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { pause } from "./faults.js";
import type { RegisterInput } from "./register-model.js";
import { SessionHolder } from "./session-holder.js";
import type { World } from "./world.js";

/** A client of the register: makes calls, several at once, crashes, and goes on with the session that it had. */
export class SimulatedClient {
  readonly #name: string;
  readonly #world: World;
  /** Who makes the calls now. */
  #holder: Promise<SessionHolder>;
  readonly #ending: Promise<unknown>[] = [];
  #calls = 0;
  readonly #seen = new Map<string, string>();

  constructor(name: string, world: World) {
    this.#name = name;
    this.#world = world;
    this.#holder = this.#open();
  }

  /** Makes so many calls, and waits for what becomes of them. */
  async run(calls: number): Promise<void> {
    const { faults } = this.#world;
    const thinkMs = faults.pick([0, 2, 30]);
    const lane = async () => {
      while (this.#calls < calls) {
        const holder = await this.#holder;
        if (faults.happens("client crashed", 0.02)) this.#replace(holder, () => this.#crash(holder));
        else if (faults.happens("session held twice", 0.02)) this.#replace(holder, () => this.#share(holder));
        else await this.#perform(holder);
        await pause(faults.between(0, thinkMs));
      }
    };
    await Promise.all(Array.from({ length: faults.integer(1, 3) }, lane));
    await this.#holder;
    await Promise.all(this.#ending);
  }

  /** Reads every key once. */
  async readAll(): Promise<void> {
    const holder = await this.#holder;
    for (const key of this.#world.workload.keys) {
      const operation = this.#world.history.call(this.#name, key, { kind: "read" });
      await holder.perform(operation, undefined);
      const { outcome } = operation;
      if (outcome.kind !== "answered") this.#world.problems.push(`nobody can read ${key}`);
    }
  }

  async close(): Promise<void> {
    const holder = await this.#holder;
    await holder.close();
  }

  async #perform(holder: SessionHolder): Promise<void> {
    const { faults, history, workload } = this.#world;
    const key = faults.pick(workload.keys);
    const operation = history.call(this.#name, key, this.#input(key));
    const abandonMs = faults.happens("call abandoned", 0.06) ? faults.between(1, 40) : undefined;
    const kind = await holder.perform(operation, abandonMs);
    const { outcome } = operation;
    if (outcome.kind === "answered" && outcome.output.value !== undefined) {
      this.#seen.set(key, outcome.output.value);
    }
    // Only a session that has ended says so; its client begins anew.
    if (kind === "neverApplied") this.#replace(holder, () => this.#leave(holder));
  }

  #input(key: string): RegisterInput {
    const { faults } = this.#world;
    const kind = faults.pick(this.#world.workload.calls);
    this.#calls += 1;
    if (kind === "read") return { kind };
    const value = `${this.#name}${this.#calls};`;
    // The last key is for appends alone: whatever goes wrong with them stays to be seen.
    if (kind === "append" || key === "z") return { kind: "append", value };
    return kind === "write" ? { kind, value } : { kind, expected: this.#seen.get(key) ?? "", value };
  }

  /** Puts another holder in the place of this one, if nobody has done so yet. */
  #replace(holder: SessionHolder, replacement: () => Promise<SessionHolder>): void {
    if (holder.isReplaced) return;
    holder.isReplaced = true;
    this.#holder = replacement();
  }

  /** The process crashes; another one takes over what its journal says. */
  async #crash(holder: SessionHolder): Promise<SessionHolder> {
    const pending = [...holder.pending];
    this.#ending.push(holder.crash());
    const next = await this.#restore(holder.journalled);
    if (next === undefined) return this.#open();
    const recovered = next.recoveredValues;
    for (const operation of pending) {
      // What is sent stands in the journal before.
      const { value } = operation;
      if (value !== undefined && !recovered.has(value)) operation.settle({ kind: "neverApplied" });
    }
    return next;
  }

  /** Another process takes the session over while this one goes on with it, for as long as it is let. */
  async #share(holder: SessionHolder): Promise<SessionHolder> {
    const bytes = holder.exported;
    const old = async () => {
      for (let at = 0; at < 3; at++) await this.#perform(holder);
    };
    this.#ending.push(old().then(() => holder.crash()));
    return (bytes && (await this.#restore(bytes))) ?? this.#open();
  }

  async #leave(holder: SessionHolder): Promise<SessionHolder> {
    this.#ending.push(holder.crash());
    return this.#open();
  }

  /** Undefined if the session has ended. */
  async #restore(bytes: Uint8Array): Promise<SessionHolder | undefined> {
    const holder = await this.#start(bytes);
    if (holder !== undefined) this.#world.totals.restored += 1;
    return holder;
  }

  async #open(): Promise<SessionHolder> {
    const holder = await this.#start();
    if (holder === undefined) throw new Error("a new session has ended before it began");
    return holder;
  }

  /** Tries until there is an answer. */
  async #start(bytes?: Uint8Array): Promise<SessionHolder | undefined> {
    for (let tries = 0; ; tries++) {
      try {
        return await SessionHolder.start(this.#world, bytes);
      } catch (thrown) {
        const error = QuorateError.from(thrown);
        if (bytes !== undefined && error.reason === "NO_SESSION") return undefined;
        if (tries === 20) throw error;
        await pause(this.#world.faults.between(1, 100));
      }
    }
  }
}
