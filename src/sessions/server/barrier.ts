import { Code } from "../../../internal/errors/code.js";
import { abortError, QuorateError } from "../../../internal/errors/quorate-error.js";
import { outsideScopes } from "../../../internal/util/async-scope.js";
import { deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";
import { onAbort } from "../../../internal/util/on-abort.js";
import { withinTime } from "../../../internal/util/within-time.js";
import type { CommitLog } from "../commit-log/commit-log.js";
import { logRegressed, logUnavailable } from "../commit-log/log-errors.js";
import type { AppliedWait } from "./applied-waits.js";

/** What a barrier is made of. */
export interface BarrierInit {
  readonly log: Pick<CommitLog, "tail">;
  readonly appliedOp: () => number;
  readonly waitApplied: (op: number) => AppliedWait;
  /** How long one may take, and how long one caller waits. */
  readonly maxWaitMs: number;
  /** The end of all of them; its reason is a QuorateError. */
  readonly ended: AbortSignal;
  /** The log is not what it was: DataLoss. */
  readonly lost: (error: QuorateError) => void;
}

interface Caller {
  readonly resolve: () => void;
  readonly reject: (error: QuorateError) => void;
}

/**
 * Waits until everything is applied that was committed before the wait began: `tail`, then apply up to it.
 *
 * Callers share one, but never one that was sent before they came: the answer to it may be older than a write that was
 * acknowledged in between, and the read would miss it. So one runs, and one waits for all who come meanwhile.
 */
export class Barrier {
  readonly #init: BarrierInit;
  #running = false;
  #waiting: Set<Caller> | undefined;

  constructor(init: BarrierInit) {
    this.#init = init;
  }

  /**
   * Resolves once the state has everything that was committed before the call. The signal ends this wait alone.
   *
   * @throws QuorateError Unavailable, `LOG_UNAVAILABLE`, if the log does not answer, or the state does not get there, in
   * time; the reason of the end; the error of the signal.
   */
  wait({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (signal?.aborted) return Promise.reject(abortError(signal.reason));
    this.#waiting ??= new Set();
    const callers = this.#waiting;
    const promise = new Promise<void>((resolve, reject) => {
      const leave = (error: QuorateError) => {
        callers.delete(caller);
        caller.reject(error);
      };
      const stop = signal && onAbort(signal, (reason) => leave(abortError(reason)));
      // It may have to wait for the end of the one that runs before its own begins.
      const cancel = scheduleDeadline(deadlineAfter(this.#init.maxWaitMs), () => leave(this.#expired()));
      const end = () => {
        stop?.();
        cancel();
      };
      const caller: Caller = {
        resolve: () => {
          end();
          resolve();
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      callers.add(caller);
    });
    if (!this.#running) void outsideScopes(() => this.#run());
    return promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let callers = this.#take(); callers.size > 0; callers = this.#take()) {
      const failure = await this.#reach();
      for (const { resolve, reject } of callers) {
        if (failure === undefined) resolve();
        else reject(failure);
      }
    }
    this.#running = false;
  }

  /** From here on, whoever comes waits for the next one. */
  #take(): Set<Caller> {
    const callers = this.#waiting ?? new Set();
    this.#waiting = undefined;
    return callers;
  }

  async #reach(): Promise<QuorateError | undefined> {
    const { maxWaitMs, ended } = this.#init;
    const bounds = { timeoutMs: maxWaitMs, expired: () => this.#expired(), signal: ended };
    try {
      await withinTime(bounds, (signal) => this.#toTail(signal));
      return undefined;
    } catch (thrown) {
      if (ended.aborted) return abortError(ended.reason);
      const error = QuorateError.from(thrown, Code.Unavailable);
      if (error.reason === "LOG_UNAVAILABLE") return error;
      return logUnavailable("the end of the commit log cannot be asked for", error);
    }
  }

  #expired(): QuorateError {
    return logUnavailable(`the state did not reach the end of the log within ${this.#init.maxWaitMs} ms`);
  }

  async #toTail(signal: AbortSignal): Promise<void> {
    const { log, appliedOp, waitApplied, lost } = this.#init;
    const before = appliedOp();
    try {
      const tail = await log.tail({ signal });
      if (tail < before) throw logRegressed(`it ends at op ${tail}, and op ${before} was applied here`);
      const wait = waitApplied(tail);
      const stop = onAbort(signal, () => wait.cancel());
      await wait.applied.finally(stop);
    } catch (thrown) {
      const error = QuorateError.from(thrown, Code.Unavailable);
      if (error.code === Code.DataLoss) lost(error);
      throw error;
    }
  }
}
