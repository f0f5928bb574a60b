import type { PeerNode } from "../../src/configuration/peer-node.js";
import { PeerTracker } from "../../src/context/peer-tracker.js";
import { testNode } from "../configuration/test-nodes.js";

/** What happens to one node; one-way calls have no time that they took. */
export type Outcome =
  | { readonly kind: "added"; readonly id: number }
  | { readonly kind: "succeeded" | "failed"; readonly id: number; readonly tookMs?: number }
  | { readonly kind: "unanswered"; readonly id: number; readonly tookMs: number };

/** The outcome, so many milliseconds after the one before; default 1. */
export type Step = Outcome & { readonly afterMs?: number };

export const ok = (id: number, tookMs?: number, afterMs?: number): Step =>
  step("succeeded", id, tookMs, afterMs);
export const fail = (id: number, tookMs?: number, afterMs?: number): Step =>
  step("failed", id, tookMs, afterMs);
export const added = (id: number): Step => ({ kind: "added", id });
export const left = (id: number, tookMs: number, afterMs?: number): Step => ({
  kind: "unanswered",
  id,
  tookMs,
  ...(afterMs !== undefined && { afterMs }),
});

/** The steps, so many times. */
export const times = (count: number, ...steps: readonly Step[]): Step[] => Array(count).fill(steps).flat();

function step(kind: "succeeded" | "failed", id: number, tookMs?: number, afterMs?: number): Step {
  return { kind, id, ...(tookMs !== undefined && { tookMs }), ...(afterMs !== undefined && { afterMs }) };
}

/** Some nodes, and a tracker that is told of what happens to them, on a clock of its own. */
export class TrackerHistory {
  readonly nodes: readonly PeerNode[];
  tracker: PeerTracker;
  #nowMs = 1_000_000;

  /** @param latenciesMs what the nodes know of themselves, by their ids */
  constructor(
    count: number,
    init: { readonly maxPeers?: number; readonly halfLifeMs?: number } = {},
    latenciesMs: { readonly [id: number]: number } = {},
  ) {
    const { maxPeers = 1_024, halfLifeMs = 10_000 } = init;
    this.nodes = Array.from({ length: count }, (_, at) => {
      const latencyMs = latenciesMs[at + 1];
      return testNode(at + 1, { latenciesMs: latencyMs === undefined ? [] : [latencyMs] });
    });
    this.tracker = new PeerTracker({ maxPeers, halfLifeMs });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  run(...steps: readonly Step[]): this {
    for (const one of steps) this.#run(one);
    return this;
  }

  node(id: number): PeerNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  /** All nodes, the most useful first; those that are alike by their ids. */
  order(tracker: PeerTracker = this.tracker): number[] {
    return [...this.nodes].sort((a, b) => tracker.compare(a, b)).map(({ id }) => id);
  }

  #run(one: Step): void {
    const node = this.node(one.id);
    if (one.kind === "added") return this.tracker.add(node);
    this.#nowMs += one.afterMs ?? 1;
    if (one.kind === "unanswered") this.tracker.unanswered(node, this.#nowMs, one.tookMs);
    else this.tracker[one.kind](node, this.#nowMs, one.tookMs);
  }
}
