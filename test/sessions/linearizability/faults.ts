import { onAbort } from "../../../internal/util/on-abort.js";
import type { Random } from "../../helpers/seeded-random.js";

/** What can go wrong in a run. */
export const faultKinds = [
  "server crashed",
  "stream cut",
  "stream cut, the server does not know yet",
  "dial failed",
  "request lost",
  "request late",
  "request duplicated",
  "request overtaken",
  "answer lost",
  "answer late",
  "answer duplicated",
  "answer overtaken",
  "append unknown, entry in",
  "append unknown, entry in later",
  "append unknown, entry not in",
  "append refused",
  "tail failed",
  "reading failed",
  "snapshot not saved",
  "snapshot not loaded",
  "log not reached at the start",
  "server lags behind",
  "call abandoned",
  "client crashed",
  "session held twice",
  "etcd: request lost",
  "etcd: answer lost",
  "etcd: request late",
  "etcd: request slow",
  "etcd: too many requests",
  "etcd: full",
  "etcd: full, carried out",
  "etcd: leader lost",
  "etcd: member silent",
  "etcd: compacted",
  "etcd: watches ended",
] as const;

/** One of {@link faultKinds}. */
export type FaultKind = (typeof faultKinds)[number];

/**
 * Decides what goes wrong in one run, and counts it. Each run has its own mixture: a fault that is likely in one never
 * happens in another, as some mistakes show only where nothing else goes wrong.
 */
export class Faults {
  /** How often each has happened. */
  readonly counts: Map<FaultKind, number> = new Map<FaultKind, number>();
  readonly #random: Random;
  readonly #weights = new Map<FaultKind, number>();
  #healed = false;

  constructor(random: Random) {
    this.#random = random;
    for (const kind of faultKinds) if (!kind.startsWith("etcd:")) this.#weightOf(kind);
  }

  /** Whether it happens now: with this likelihood on the average of all runs. */
  happens(kind: FaultKind, likelihood: number): boolean {
    // Drawn in any case, so that what comes later does not depend on the weights.
    const drawn = this.#random();
    if (this.#healed || drawn >= likelihood * 2 * this.#weightOf(kind)) return false;
    this.count(kind);
    return true;
  }

  count(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** From `low` up to `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.#random();
  }

  /** From `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  /** One of them. */
  pick<Item>(items: readonly [Item, ...(readonly Item[])]): Item {
    return items[this.integer(0, items.length - 1)] ?? items[0];
  }

  /** Drawn once; of a log in etcd only where there is one, so that other runs are the same without. */
  #weightOf(kind: FaultKind): number {
    const known = this.#weights.get(kind);
    if (known !== undefined) return known;
    const weight = this.#random() < 0.5 ? 0 : this.#random() * 2;
    this.#weights.set(kind, weight);
    return weight;
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.#healed = true;
  }

  get healed(): boolean {
    return this.#healed;
  }
}

/** Resolves after so many milliseconds, or once the signal ends. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      stop?.();
      resolve();
    }, ms);
    const stop =
      signal &&
      onAbort(signal, () => {
        clearTimeout(timer);
        resolve();
      });
  });
}
