import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import { Backoff, type BackoffOptions } from "../../../internal/stream/backoff.js";
import { type CancelDeadline, deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";

/** How often a server has refused since anything was answered: how long to wait, and when to leave it. */
export class Setbacks {
  readonly #backoff: Backoff;
  #count = 0;
  /** A server was left at once since then: not a second time, else a session could go round for ever. */
  #hasHurried = false;
  #wait: CancelDeadline | undefined;

  constructor(backoff: BackoffOptions) {
    this.#backoff = new Backoff(backoff);
  }

  /** Whether there was none since anything was answered, or the server was left. */
  get areNone(): boolean {
    return this.#count === 0;
  }

  /** A wait is under way. */
  get isWaiting(): boolean {
    return this.#wait !== undefined;
  }

  /** Something was answered. */
  progressed(): void {
    if (this.#count === 0 && !this.#hasHurried) return;
    this.#count = 0;
    this.#hasHurried = false;
    this.#backoff.reset();
  }

  /** Counts one. Whether the server is of no use, and to be left if there is another one. */
  add(error: QuorateError): boolean {
    this.#count += 1;
    return this.#count >= maxSetbacks || (leavingReasons.has(error.reason ?? "") && !this.#hasHurried);
  }

  /** The server is left. */
  left(): void {
    this.#count = 0;
    this.#hasHurried = true;
  }

  /** Calls `again` after a wait that is longer each time. */
  wait(again: () => void): void {
    this.#wait = scheduleDeadline(deadlineAfter(this.#backoff.next()), () => {
      this.#wait = undefined;
      again();
    });
  }

  /** Ends the wait; nothing is called. */
  stop(): void {
    this.#wait?.();
    this.#wait = undefined;
  }
}

/** After so many a server is left. */
const maxSetbacks = 3;

/** With these no other try at the same server ends better. */
const leavingReasons: ReadonlySet<string> = new Set(["SERVER_CLOSING", "SESSIONS_STOPPED"]);
