import { Code } from "../../internal/errors/code.js";
import { abortError, invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import { deadlineAfter, scheduleDeadline } from "../../internal/util/deadlines.js";
import { checkTimeout, onCallAborted } from "../calls/call-options.js";
import type { Configuration } from "../configuration/configuration.js";

/** How long to wait for a configuration. */
export interface WaitOptions {
  /** Milliseconds; default `defaultTimeoutMs` of the server. Then the wait rejects with DeadlineExceeded. */
  readonly timeoutMs?: number;
  /** Ends the wait as it ends a call. */
  readonly signal?: AbortSignal;
}

/** What to wait for: that many nodes at least, or whatever the function says. */
export type WaitCondition = number | ((configuration: Configuration) => boolean);

/** Those who wait for one changing configuration. */
export class ConfigurationWaiters {
  readonly #name: string;
  readonly #current: () => Configuration;
  readonly #waiters = new Set<{ check: () => void; fail: (error: QuorateError) => void }>();
  #closed: QuorateError | undefined;

  /** @param name of the configuration, for errors */
  constructor(name: string, current: () => Configuration) {
    this.#name = name;
    this.#current = current;
  }

  /** Resolves once the condition holds; rejects with the deadline, the signal, or Unavailable, `SERVER_CLOSED`. */
  async wait(condition: WaitCondition, defaultTimeoutMs: number, options: WaitOptions = {}): Promise<void> {
    const timeoutMs = checkTimeout(options.timeoutMs ?? defaultTimeoutMs);
    checkCondition(condition);
    return new Promise((resolve, reject) => {
      const settle = (how: () => void) => {
        this.#waiters.delete(waiter);
        cancelDeadline();
        unlisten();
        how();
      };
      const fail = (error: QuorateError) => settle(() => reject(error));
      const check = () => {
        try {
          if (holds(condition, this.#current())) settle(resolve);
        } catch (thrown) {
          fail(QuorateError.from(thrown));
        }
      };
      const waiter = { check, fail };
      this.#waiters.add(waiter);
      const cancelDeadline = scheduleDeadline(deadlineAfter(timeoutMs), () =>
        fail(this.#expired(condition, timeoutMs)),
      );
      const unlisten = onCallAborted(options.signal, fail);
      // The condition counts first, also on a server that is closed (WF-07).
      check();
      if (!this.#waiters.has(waiter)) return;
      if (this.#closed !== undefined) fail(this.#closed);
      else if (options.signal?.aborted) fail(abortError(options.signal.reason));
    });
  }

  /** The configuration has changed. */
  changed(): void {
    // A predicate may end other waits.
    for (const waiter of [...this.#waiters]) if (this.#waiters.has(waiter)) waiter.check();
  }

  /** Ends all waits, and those to come whose condition does not hold. */
  close(): void {
    this.#closed = new QuorateError(Code.Unavailable, "quorate: the server is closed", {
      reason: "SERVER_CLOSED",
    });
    for (const waiter of [...this.#waiters]) waiter.fail(this.#closed);
  }

  #expired(condition: WaitCondition, timeoutMs: number): QuorateError {
    const wanted = typeof condition === "number" ? `${condition} nodes` : "the condition";
    const message = `quorate: waited ${timeoutMs} ms for ${wanted} in ${this.#name}, which is ${this.#current()}`;
    return new QuorateError(Code.DeadlineExceeded, message);
  }
}

function checkCondition(condition: WaitCondition): void {
  if (typeof condition === "function" || (Number.isSafeInteger(condition) && condition >= 0)) return;
  throw invalidArgument(`a wait is for a number of nodes from 0 on or a function; it is ${condition}`);
}

function holds(condition: WaitCondition, configuration: Configuration): boolean {
  return typeof condition === "number" ? configuration.size >= condition : condition(configuration);
}
