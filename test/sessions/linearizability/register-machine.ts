import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";

/** The register as a state machine, which also remembers each value that was ever written, and how often. */
export class RegisterMachine {
  #values = new Map<string, string>();
  #applied = new Map<string, number>();

  read({ key }: { readonly key: string }): { value: string } {
    return { value: this.#value(key) };
  }

  write({ key, value }: { readonly key: string; readonly value: string }): object {
    this.#count(value);
    this.#values.set(key, value);
    return {};
  }

  append({ key, value }: { readonly key: string; readonly value: string }): { value: string } {
    this.#count(value);
    return this.#set(key, this.#value(key) + value);
  }

  compareAndSet(request: { readonly key: string; readonly expected: string; readonly value: string }): {
    value: string;
  } {
    const { expected, key, value } = request;
    this.#count(value);
    if (this.#value(key) === expected) return this.#set(key, value);
    throw new QuorateError(Code.FailedPrecondition, "another value is there", { reason: "NOT_EXPECTED" });
  }

  /** How often a request with this value has run. */
  timesApplied(value: string): number {
    return this.#applied.get(value) ?? 0;
  }

  snapshot(): Uint8Array {
    const sorted = (map: ReadonlyMap<string, unknown>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    const state: Saved = [sorted(this.#values), sorted(this.#applied)] as Saved;
    return new TextEncoder().encode(JSON.stringify(state));
  }

  restore(bytes: Uint8Array): void {
    const [values, applied] = JSON.parse(new TextDecoder().decode(bytes)) as Saved;
    this.#values = new Map(values);
    this.#applied = new Map(applied);
  }

  #value(key: string): string {
    return this.#values.get(key) ?? "";
  }

  #set(key: string, value: string): { value: string } {
    this.#values.set(key, value);
    return { value };
  }

  #count(value: string): void {
    this.#applied.set(value, this.timesApplied(value) + 1);
  }
}

type Saved = readonly [readonly (readonly [string, string])[], readonly (readonly [string, number])[]];
