import { currentScope } from "../../internal/util/async-scope.js";

/** Notes of code whether it runs in somebody's context session, also in one that has ended. */
export class Places {
  readonly #seen = new Map<string, Set<string>>();

  /** To be called where the code runs. */
  note(what: string): void {
    const places = this.#seen.get(what) ?? new Set();
    this.#seen.set(what, places.add(currentScope() === undefined ? "outside" : "inside"));
  }

  /** Whether this was noted. */
  has(...each: readonly string[]): boolean {
    return each.every((what) => this.#seen.has(what));
  }

  /** What was noted, with all places where it ran. */
  get seen(): Record<string, string> {
    return Object.fromEntries([...this.#seen].map(([what, places]) => [what, [...places].join(" and ")]));
  }
}
