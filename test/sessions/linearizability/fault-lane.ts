import type { FaultKind, Faults } from "./faults.js";

/** What may happen to the messages of one direction. */
export interface LaneFaults {
  readonly lost: FaultKind;
  readonly late: FaultKind;
  readonly duplicated: FaultKind;
  readonly overtaken: FaultKind;
}

/** One direction of a stream: messages come later, and some of them not, twice, or behind ones that were sent later. */
export class FaultLane {
  readonly #faults: Faults;
  readonly #kinds: LaneFaults;
  readonly #latencyMs: number;
  readonly #underWay = new Set<ReturnType<typeof setTimeout>>();
  #lastAt = 0;

  constructor(faults: Faults, kinds: LaneFaults) {
    this.#faults = faults;
    this.#kinds = kinds;
    this.#latencyMs = faults.pick([1, 1, 5, 40]);
  }

  /** Sends a message; it may suffer anything. */
  send(deliver: () => void): void {
    const faults = this.#faults;
    if (faults.happens(this.#kinds.lost, 0.006)) return;
    const latencyMs = faults.between(0, this.#latencyMs);
    if (faults.happens(this.#kinds.late, 0.006)) {
      // When nobody waits for it any more.
      this.#deliverIn(faults.between(3_000, 15_000), deliver);
    } else if (faults.happens(this.#kinds.overtaken, 0.04)) {
      this.#deliverIn(latencyMs + faults.between(1, 60), deliver);
    } else {
      this.follow(deliver, latencyMs);
    }
    if (faults.happens(this.#kinds.duplicated, 0.04)) {
      this.#deliverIn(latencyMs + faults.between(0, 400), deliver);
    }
  }

  /** Behind all that was not overtaken. */
  follow(deliver: () => void, latencyMs = 0): void {
    this.#lastAt = Math.max(this.#lastAt, performance.now() + latencyMs);
    this.#deliverIn(this.#lastAt - performance.now(), deliver);
  }

  /** Nothing that is under way comes any more. */
  clear(): void {
    for (const timer of this.#underWay) clearTimeout(timer);
    this.#underWay.clear();
  }

  #deliverIn(ms: number, deliver: () => void): void {
    const timer = setTimeout(() => {
      this.#underWay.delete(timer);
      deliver();
    }, ms);
    this.#underWay.add(timer);
  }
}
