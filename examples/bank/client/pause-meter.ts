/** Measures how long nothing was answered. */
export class PauseMeter {
  readonly #now: () => number;
  #last: number;
  #longest = 0;

  /** @param now milliseconds, by a clock that does not go back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#last = now();
  }

  /** Something was answered. */
  answered(): void {
    this.#longest = this.take();
    this.#last = this.#now();
  }

  /** The longest time without an answer since this was asked last, the one that still goes on included. */
  take(): number {
    const longest = Math.max(this.#longest, this.#now() - this.#last);
    this.#longest = 0;
    return longest;
  }
}
