import { abortError } from "../../../internal/errors/quorate-error.js";
import { Fifo } from "../../../internal/util/fifo.js";
import { onAbort } from "../../../internal/util/on-abort.js";
import { count } from "../../server/peer-options.js";
import { tooManyLogins } from "./login-errors.js";

/** The options of a {@link HashGate}. */
export interface HashGateOptions {
  /**
   * How many run at a time; default 2. Each takes the memory of its cost and one of the four threads (by default) that
   * it shares with everything else of the process that waits for files or names.
   */
  readonly maxConcurrent?: number;
  /** How many wait, of each of the two rows; default 128. More are refused. */
  readonly maxQueued?: number;
}

/** Lets a bounded number of costly checks run at a time. Those who are known go before those who are not. */
export class HashGate {
  readonly #maxConcurrent: number;
  readonly #maxQueued: number;
  readonly #known = new Fifo<() => void>();
  readonly #others = new Fifo<() => void>();
  #running = 0;

  /** @throws QuorateError InvalidArgument that names the option. */
  constructor({ maxConcurrent, maxQueued }: HashGateOptions = {}) {
    this.#maxConcurrent = count("maxConcurrent", maxConcurrent, 2);
    this.#maxQueued = count("maxQueued", maxQueued, 128);
  }

  /**
   * Runs the work once there is room. The signal ends the wait, not the work: what was begun has its result.
   *
   * @throws QuorateError ResourceExhausted, `TOO_MANY_LOGINS`; what the signal says.
   */
  async run<Result>(work: () => Promise<Result>, isKnown: boolean, signal: AbortSignal): Promise<Result> {
    if (signal.aborted) throw abortError(signal.reason);
    if (this.#running >= this.#maxConcurrent) await this.#wait(isKnown ? this.#known : this.#others, signal);
    else this.#running += 1;
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  /** Resolves when a place was handed over. */
  #wait(row: Fifo<() => void>, signal: AbortSignal): Promise<void> {
    if (row.length >= this.#maxQueued) throw tooManyLogins("too many logins wait to be checked");
    return new Promise((resolve, reject) => {
      const start = () => {
        unlisten();
        resolve();
      };
      const unlisten = onAbort(signal, (reason) => {
        row.retain((other) => other !== start);
        reject(abortError(reason));
      });
      row.push(start);
    });
  }

  /** The place goes to who waits first, without being free in between. */
  #next(): void {
    const next = this.#known.shift() ?? this.#others.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
