/** How failures slow down what comes next. */
export interface FailureRule {
  /** Failures without consequence. */
  readonly free: number;
  /** The wait after the first failure that has one; it doubles with each that follows. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** How long after the last failure all are forgotten. */
  readonly forgetAfterMs: number;
  /** How many keys are remembered; beyond it those that failed longest ago are forgotten. */
  readonly maxTracked: number;
  /**
   * Attempts under way count as failures until they are known to be none, so that many at once gain nothing. Not where
   * this is true and nothing has failed yet: many processes of one user may well come at once.
   */
  readonly trusts: boolean;
}

interface Failures {
  count: number;
  /** Attempts under way. */
  pending: number;
  lastMs: number;
}

/** The failed attempts of each user, or of each address. */
export class FailureTable {
  readonly #rule: FailureRule;
  /** In the order of their last attempts. */
  readonly #failures = new Map<string, Failures>();

  constructor(rule: FailureRule) {
    this.#rule = rule;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#failures.size;
  }

  /** How long the next attempt has to wait, in milliseconds. */
  waitMs(key: string, nowMs: number): number {
    const failures = this.#fresh(key, nowMs);
    if (failures === undefined) return 0;
    const { free, firstDelayMs, maxDelayMs, trusts } = this.#rule;
    const pending = trusts && failures.count === 0 ? 0 : failures.pending;
    const above = failures.count + pending - free;
    if (above < 0) return 0;
    const delayMs = Math.min(firstDelayMs * 2 ** above, maxDelayMs);
    return Math.max(failures.lastMs + delayMs - nowMs, 0);
  }

  /** An attempt begins; {@link end} must follow. */
  begin(key: string, nowMs: number): void {
    const failures = this.#fresh(key, nowMs) ?? { count: 0, pending: 0, lastMs: nowMs };
    failures.pending += 1;
    this.#touch(key, failures, nowMs);
  }

  /** An attempt has ended: it failed, or it counts for nothing. */
  end(key: string, failed: boolean, nowMs: number): void {
    const failures = this.#failures.get(key);
    if (failures === undefined) return;
    failures.pending -= 1;
    if (failed) {
      failures.count += 1;
      this.#touch(key, failures, nowMs);
    } else if (failures.count === 0 && failures.pending === 0) {
      this.#failures.delete(key);
    }
  }

  /** Forgets the failures; attempts under way count on. */
  reset(key: string): void {
    const failures = this.#failures.get(key);
    if (failures === undefined) return;
    failures.count = 0;
    if (failures.pending === 0) this.#failures.delete(key);
  }

  #fresh(key: string, nowMs: number): Failures | undefined {
    const failures = this.#failures.get(key);
    if (failures !== undefined && nowMs - failures.lastMs >= this.#rule.forgetAfterMs) failures.count = 0;
    return failures;
  }

  #touch(key: string, failures: Failures, nowMs: number): void {
    failures.lastMs = nowMs;
    this.#failures.delete(key);
    this.#failures.set(key, failures);
    if (this.#failures.size <= this.#rule.maxTracked) return;
    for (const [oldest, { pending }] of this.#failures) {
      if (pending > 0 || oldest === key) continue;
      this.#failures.delete(oldest);
      return;
    }
  }
}
