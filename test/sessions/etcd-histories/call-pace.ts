import { pause } from "../linearizability/faults.js";

/** Calls per history from one event on, until they come as often as planned, and until they come seldom. */
const hotCalls = 3;
const plannedCalls = 6;
/** How much sooner than planned they come in the beginning. */
const hotFactor = 10;
/** Milliseconds that a client rests in the end. */
const restMs = 3_000;

/**
 * Says when the clients of a wave call: often when a fault begins or is over, as mistakes show there, and seldom when it
 * lasts long. Where the machine is slow, they would else keep it from ever getting over it.
 */
export class CallPace {
  readonly #histories: number;
  #calls = 0;
  #isEnded = false;
  #woken = new AbortController();

  constructor(histories: number) {
    this.#histories = histories;
  }

  /** A fault begins, or is over: all clients call now. */
  wake(): void {
    this.#calls = 0;
    this.#woken.abort();
    this.#woken = new AbortController();
  }

  /** Nobody waits any more. */
  end(): void {
    this.#isEnded = true;
    this.#woken.abort();
  }

  /** Waits until the next call of somebody who would wait for so many milliseconds. */
  async wait(ms: number): Promise<void> {
    this.#calls += 1;
    const calls = this.#calls / this.#histories;
    const length = calls < hotCalls ? ms / hotFactor : calls < plannedCalls ? ms : ms + restMs;
    if (!this.#isEnded) await pause(length, this.#woken.signal);
  }
}
