/** How the waits between attempts to connect grow. */
export interface BackoffOptions {
  /** The first wait, in milliseconds; default 100. */
  readonly minMs?: number;
  /** The longest wait, in milliseconds; default 3,000. */
  readonly maxMs?: number;
  /** What each wait is to the one before; default 1.6. */
  readonly factor?: number;
  /** How far a wait may lie from its plan, as a part of it, so that peers do not come back in step; default 0.2. */
  readonly jitter?: number;
}

/** The waits between attempts to connect: exponential, with jitter. */
export class Backoff {
  readonly minMs: number;
  readonly #maxMs: number;
  readonly #factor: number;
  readonly #jitter: number;
  readonly #random: () => number;
  #plannedMs: number;

  /** @param random gives numbers from 0 to 1; for tests. */
  constructor(
    { minMs = 100, maxMs = 3_000, factor = 1.6, jitter = 0.2 }: BackoffOptions = {},
    random: () => number = Math.random,
  ) {
    this.minMs = minMs;
    this.#maxMs = maxMs;
    this.#factor = factor;
    this.#jitter = jitter;
    this.#random = random;
    this.#plannedMs = minMs;
  }

  /** The next wait in milliseconds. */
  next(): number {
    const plannedMs = this.#plannedMs;
    this.#plannedMs = Math.min(plannedMs * this.#factor, this.#maxMs);
    return plannedMs * (1 + this.#jitter * (2 * this.#random() - 1));
  }

  /** Starts again from the first wait. */
  reset(): void {
    this.#plannedMs = this.minMs;
  }
}
