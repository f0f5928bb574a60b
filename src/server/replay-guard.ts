import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";

/** Remembers what was used, for as long as it could be used again. Bounded: when it is full, nothing new may be used. */
export class ReplayGuard {
  readonly #keepMs: number;
  readonly #max: number;
  /** When each may be forgotten, in milliseconds of the wall clock; in the order of these times. */
  readonly #used = new Map<string, number>();

  constructor(keepMs: number, max: number) {
    this.#keepMs = keepMs;
    this.#max = max;
  }

  /**
   * Uses something once.
   *
   * @throws QuorateError Unauthenticated if it was used before; ResourceExhausted, `TOO_MANY_PROOFS`, if there is no
   * room to remember it.
   */
  use(item: string, nowMs: number): void {
    for (const [old, until] of this.#used) {
      if (until > nowMs) break;
      this.#used.delete(old);
    }
    if (this.#used.has(item)) {
      const message = "quorate: the proof of the shared secret was used before";
      throw new QuorateError(Code.Unauthenticated, message, { reason: "NOT_IDENTIFIED" });
    }
    if (this.#used.size >= this.#max) {
      const message = `quorate: ${this.#max} proofs of the shared secret are remembered already (maxRemembered)`;
      throw new QuorateError(Code.ResourceExhausted, message, { reason: "TOO_MANY_PROOFS" });
    }
    this.#used.set(item, nowMs + this.#keepMs);
  }
}
