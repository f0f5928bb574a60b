import { onAbort } from "../../../internal/util/on-abort.js";

/** The position of the last durable entry, and those who wait for the next one. */
export class LogTail {
  #op: number;
  #ended = false;
  #waiting: (() => void)[] = [];

  constructor(op: number) {
    this.#op = op;
  }

  get op(): number {
    return this.#op;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Entries up to this position are durable now. */
  advance(op: number): void {
    this.#op = op;
    this.#wake();
  }

  /** Nothing more will come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /**
   * Wakes who waits when the signal ends, too; returns what stops that. Once for a reader: a listener for each wait would
   * cost as much as the wait.
   */
  wakeOn(signal: AbortSignal): () => void {
    return onAbort(signal, () => this.#wake());
  }

  /** Resolves once there is an entry above `from`, or the tail or the signal has ended; see {@link wakeOn}. */
  async waitBeyond(from: number, signal: AbortSignal): Promise<void> {
    while (this.#op <= from && !this.#ended && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
