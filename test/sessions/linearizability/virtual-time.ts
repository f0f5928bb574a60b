import type { Random } from "../../helpers/seeded-random.js";

/** What a run in virtual time may take, and where its chance comes from. */
export interface VirtualTimeOptions {
  /** Stands in for `Math.random`. */
  readonly random: Random;
  /** Timers and turns after which the run counts as one that never ends. */
  readonly maxEvents: number;
}

/**
 * Runs `main` with a clock of its own, in place of timers, `setImmediate`, `performance.now`, `Date.now` and
 * `Math.random`: whatever is due next comes at once, in one order, so that a run waits for nothing and is the same each
 * time. Nothing in it may wait for what lies outside of the process, and no other run may go on beside it.
 *
 * @throws Error if `main` waits for what will never come, or leaves a timer behind.
 */
export async function runInVirtualTime<Result>(
  main: () => Promise<Result>,
  { random, maxEvents }: VirtualTimeOptions,
): Promise<Result> {
  const clock = new VirtualClock();
  const turn = setImmediate;
  const restore = replaceGlobals(clock, random);
  try {
    let overAt: number | undefined;
    let lateMs: number | undefined;
    let isOver = false;
    const result = main().finally(() => {
      isOver = true;
    });
    result.catch(() => {});
    for (let events = 0; ; events++) {
      // A turn of the real loop: all promises that can be settled by now are.
      await new Promise<void>((resolve) => void turn(resolve));
      if (events === maxEvents) throw new Error(`the run is not over after ${maxEvents} events`);
      if (isOver && overAt === undefined) {
        // A failure is told at once: what it has left behind would only hide it.
        await result;
        overAt = clock.nowMs;
      }
      const next = clock.takeNext();
      if (next === undefined && overAt === undefined) {
        throw new Error("the run waits for something, and nothing is left to happen");
      }
      if (next === undefined) break;
      // All the same it is run: another run must not find it.
      if (overAt !== undefined && next.at > overAt + graceMs) lateMs ??= next.at - overAt;
      clock.nowMs = next.at;
      next.call();
    }
    if (lateMs === undefined) return await result;
    throw new Error(`the run has left a timer behind that was due ${lateMs} ms later`);
  } finally {
    restore();
  }
}

/** How long after the end of a run timers may still be due, in milliseconds of its clock. */
const graceMs = 100;

/** A timer or a turn. Keeps no process alive, as no real one stands behind it. */
class VirtualTimer {
  readonly at: number;
  readonly call: () => void;

  constructor(at: number, call: () => void) {
    this.at = at;
    this.call = call;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

/** What one turn of the event loop takes, in milliseconds: what waits by turns must not stop the clock. */
const turnMs = 0.01;

class VirtualClock {
  nowMs = 1_000;
  /** By time, the next one last; of those at the same time, by age. */
  #queue: VirtualTimer[] = [];

  add(delayMs: number, call: () => void): VirtualTimer {
    const timer = new VirtualTimer(this.nowMs + delayMs, call);
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#queue[middle];
      if (other !== undefined && other.at > timer.at) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, timer);
    return timer;
  }

  remove(timer: unknown): void {
    this.#queue = this.#queue.filter((other) => other !== timer);
  }

  takeNext(): VirtualTimer | undefined {
    return this.#queue.pop();
  }
}

type Call = (...values: unknown[]) => void;

function replaceGlobals(clock: VirtualClock, random: Random): () => void {
  const remove = (timer: unknown) => clock.remove(timer);
  const replacements: readonly (readonly [object, string, unknown])[] = [
    [
      globalThis,
      "setTimeout",
      (call: Call, delayMs = 1, ...values: unknown[]) =>
        clock.add(Math.max(1, delayMs), () => call(...values)),
    ],
    [globalThis, "clearTimeout", remove],
    [
      globalThis,
      "setImmediate",
      (call: Call, ...values: unknown[]) => clock.add(turnMs, () => call(...values)),
    ],
    [globalThis, "clearImmediate", remove],
    [performance, "now", () => clock.nowMs],
    [Date, "now", () => Math.floor(1_700_000_000_000 + clock.nowMs)],
    [Math, "random", random],
  ];
  const before = replacements.map(
    ([object, name]) => [object, name, Object.getOwnPropertyDescriptor(object, name)] as const,
  );
  for (const [object, name, value] of replacements) {
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
  }
  return () => {
    for (const [object, name, descriptor] of before) {
      Reflect.deleteProperty(object, name);
      if (descriptor !== undefined) Object.defineProperty(object, name, descriptor);
    }
  };
}
