import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";

/** A wait until an op is applied, which its owner may give up. */
export interface AppliedWait {
  /**
   * Resolves once the op, or a later one, is applied. Rejects with Canceled once the wait is given up, with the error of
   * the end if the log ends. A rejection that nobody looks at is no unhandled one.
   */
  readonly applied: Promise<void>;
  /** Gives the wait up. Does nothing once it is over. */
  cancel(): void;
}

interface Waiting {
  readonly op: number;
  readonly resolve: () => void;
  readonly reject: (error: QuorateError) => void;
}

/** Those who wait until an op is applied. Their bound is that of the requests and barriers which they belong to. */
export class AppliedWaits {
  readonly #waiting = new Set<Waiting>();
  #lowest = Number.POSITIVE_INFINITY;
  #appliedOp: number;
  #failure: QuorateError | undefined;

  constructor(appliedOp: number) {
    this.#appliedOp = appliedOp;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  wait(op: number): AppliedWait {
    if (this.#failure !== undefined) return over(Promise.reject(this.#failure));
    if (op <= this.#appliedOp) return over(Promise.resolve());
    const { promise, resolve, reject } = newPromise();
    const waiting = { op, resolve, reject };
    this.#waiting.add(waiting);
    this.#lowest = Math.min(this.#lowest, op);
    return {
      applied: handled(promise),
      cancel: () => {
        if (this.#waiting.delete(waiting)) reject(givenUp());
      },
    };
  }

  /** The state is as of this op now. */
  advance(appliedOp: number): void {
    this.#appliedOp = appliedOp;
    if (appliedOp < this.#lowest) return;
    this.#lowest = Number.POSITIVE_INFINITY;
    for (const waiting of this.#waiting) {
      if (waiting.op > appliedOp) {
        this.#lowest = Math.min(this.#lowest, waiting.op);
        continue;
      }
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  /** Nothing more is applied: all who wait, and all who come, are told so. */
  end(error: QuorateError): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}

function over(applied: Promise<void>): AppliedWait {
  return { applied: handled(applied), cancel: () => {} };
}

function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}

function newPromise(): {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: QuorateError) => void;
} {
  let resolve: () => void = () => {};
  let reject: (error: QuorateError) => void = () => {};
  const promise = new Promise<void>((fulfil, fail) => {
    resolve = fulfil;
    reject = fail;
  });
  return { promise, resolve, reject };
}

function givenUp(): QuorateError {
  return new QuorateError(Code.Canceled, "quorate: the wait for an entry of the log was given up");
}
