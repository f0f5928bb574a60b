import type { Operation } from "./check-linearizable.js";
import type { RegisterInput, RegisterOutput } from "./register-model.js";

/**
 * What the caller knows of an operation: its answer, that it was applied, that it never will be, or nothing. While it is
 * under way that is nothing, too.
 */
export type Outcome =
  | { readonly kind: "answered"; readonly output: RegisterOutput }
  | { readonly kind: "applied" | "neverApplied" | "unknown" };

/** One operation of a run. */
export class RecordedOperation {
  readonly client: string;
  readonly key: string;
  readonly input: RegisterInput;
  readonly called: number;
  #returned = Number.POSITIVE_INFINITY;
  #outcome: Outcome = { kind: "unknown" };
  readonly #now: () => number;

  constructor(client: string, key: string, input: RegisterInput, now: () => number) {
    this.client = client;
    this.key = key;
    this.input = input;
    this.#now = now;
    this.called = now();
  }

  /** What distinguishes the request from all others; undefined for a read. */
  get value(): string | undefined {
    return this.input.kind === "read" ? undefined : this.input.value;
  }

  get outcome(): Outcome {
    return this.#outcome;
  }

  /**
   * Somebody knows more of it. Several may, one after another: who called, and who has restored its session.
   *
   * @throws Error if they contradict each other.
   */
  settle(outcome: Outcome): void {
    if (outcome.kind === "unknown") return;
    const before = this.#outcome;
    if (before.kind === "unknown") {
      this.#outcome = outcome;
      this.#returned = this.#now();
      return;
    }
    if (outcome.kind === "applied" && before.kind === "answered") return;
    if (before.kind === "applied" && outcome.kind === "answered") {
      // It had returned already, with less than is known now.
      this.#outcome = outcome;
      return;
    }
    if (JSON.stringify(before) === JSON.stringify(outcome)) return;
    const both = `${JSON.stringify(before)} and ${JSON.stringify(outcome)}`;
    throw new Error(`${this.client} was told two things about ${JSON.stringify(this.input)}: ${both}`);
  }

  /** As the checker takes it; undefined if it says nothing about the register. */
  get checked(): Operation<RegisterInput, RegisterOutput> | undefined {
    const { called, client, input, key } = this;
    const outcome = this.#outcome;
    if (outcome.kind === "neverApplied") return undefined;
    if (outcome.kind !== "answered" && input.kind === "read") return undefined;
    const output = outcome.kind === "answered" ? outcome.output : undefined;
    return { client, key, called, returned: this.#returned, input, output };
  }
}

/** All operations of a run, in the order of their calls. */
export class History {
  readonly recorded: RecordedOperation[] = [];
  readonly #byValue = new Map<string, RecordedOperation>();
  #moment = 0;

  /** Records a call that is about to be made. */
  call(client: string, key: string, input: RegisterInput): RecordedOperation {
    const operation = new RecordedOperation(client, key, input, () => ++this.#moment);
    this.recorded.push(operation);
    if (operation.value !== undefined) this.#byValue.set(operation.value, operation);
    return operation;
  }

  /** The operation whose request has this value. */
  withValue(value: string): RecordedOperation {
    const operation = this.#byValue.get(value);
    if (operation === undefined) throw new Error(`nobody has sent ${value}`);
    return operation;
  }

  /** As the checker takes it. */
  get checked(): Operation<RegisterInput, RegisterOutput>[] {
    return this.recorded.flatMap(({ checked }) => (checked === undefined ? [] : [checked]));
  }
}
