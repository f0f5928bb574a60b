import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";

/** Runs one piece of work after the other, in the order in which they came. */
export class OneByOne {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Resolves and rejects as the work does. At most 16 may wait; ResourceExhausted, `LOG_QUEUE_FULL`. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= maxWaiting) {
      throw new QuorateError(Code.ResourceExhausted, "quorate: too many snapshots wait to be stored", {
        reason: "LOG_QUEUE_FULL",
      });
    }
    this.#waiting += 1;
    const done = this.#last.then(work).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = done.catch(() => {});
    return done;
  }

  /** Resolves when all that came before is done. */
  async close(): Promise<void> {
    await this.#last;
  }
}

/** They hold their bytes meanwhile. */
const maxWaiting = 16;
