import { onAbort } from "../../../internal/util/on-abort.js";

/** The position of the last durable entry, and those who wait for the next one. */
export class LogTail {
  #op: number;
  #ended = false;
  readonly #waiting = new Set<() => void>();

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

  /** Resolves with true once there is an entry above `from`; with false when the tail or the signal has ended. */
  async waitBeyond(from: number, signal: AbortSignal): Promise<boolean> {
    while (this.#op <= from && !this.#ended && !signal.aborted) await this.#change(signal);
    return !this.#ended && !signal.aborted;
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        stop();
        this.#waiting.delete(over);
        resolve();
      };
      const stop = onAbort(signal, over);
      this.#waiting.add(over);
    });
  }

  #wake(): void {
    for (const over of this.#waiting) over();
  }
}
