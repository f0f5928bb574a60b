import type { Node } from "../configuration/node.js";

/** What a context session has seen of a peer. */
export interface PeerStanding {
  readonly node: Node;
  /** Calls that it answered usefully; of a stream of replies, the first one counts. One-way calls that were sent. */
  readonly successes: number;
  /** Calls that failed, for whatever reason but that the caller canceled them. */
  readonly failures: number;
  /** Calls whose caller left before it had answered: a majority was enough, or the call was canceled. */
  readonly unanswered: number;
  /**
   * How long it takes to answer, or to fail, in milliseconds: a moving estimate, in which a new call counts for a fifth.
   * Undefined before the first two-way call.
   */
  readonly latencyMs: number | undefined;
  /** When a call to it ended last, as `performance.now()` says it; undefined for a peer that was only added. */
  readonly lastUsedMs: number | undefined;
}

/** How a {@link PeerTracker} is made. */
export interface PeerTrackerInit {
  /** Peers beyond these put out the one that was used least recently. */
  readonly maxPeers: number;
  /** See `ContextSessionOptions`. */
  readonly halfLifeMs: number;
  /** On the monotonic clock; what was never used is as if it had been used then. */
  readonly startedMs: number;
}

interface PeerRecord {
  readonly node: Node;
  successes: number;
  failures: number;
  unanswered: number;
  latencyMs: number | undefined;
  lastUsedMs: number | undefined;
  /** The outcomes, each older one counting for a little less than the next. */
  recentSuccesses: number;
  recentFailures: number;
}

/** What a new measure counts in the latency of a peer, as in that of a node. */
const latencyWeight = 0.2;
/** What an outcome counts when the next is there. */
const outcomeDecay = 0.8;
/** A failure costs as much as an answer that takes this long: somebody else must be asked. */
const failureCostMs = 1_000;
/** Before anything has failed nothing is expected to: as if 1.9 of 2 peers had succeeded at their first call. */
const expectedSuccesses = 1.9;
const expectedPeers = 2;
/** An answer that was not waited for is counted as if it had come after this many times the wait. */
const unansweredFactor = 2;

/**
 * What the calls of one piece of work say about the peers that they went to.
 *
 * Peers are ranked by the milliseconds to expect until one has an answer from them: `(latency + failure cost × chance of
 * failing) / chance of succeeding`. The chances are those of the last calls or so; who was not called yet is expected to
 * do as the others did at their first call. So where everybody has an answer the quick are asked, and where few have it,
 * those who had it. What is expected of a peer halves with each half-life in which it was not used, so that the slow and
 * the useless are tried again.
 */
export class PeerTracker {
  readonly #init: PeerTrackerInit;
  /** The least recently used first. */
  readonly #records = new Map<Node, PeerRecord>();
  /** Peers that had an outcome, and those of them whose first was a success. */
  #tried = 0;
  #triedWell = 0;
  #latencyCount = 0;
  #latencySumMs = 0;

  constructor(init: PeerTrackerInit) {
    this.#init = init;
  }

  /** Another one that knows the same. */
  fork(): PeerTracker {
    const child = new PeerTracker(this.#init);
    for (const [node, record] of this.#records) child.#records.set(node, { ...record });
    child.#tried = this.#tried;
    child.#triedWell = this.#triedWell;
    child.#latencyCount = this.#latencyCount;
    child.#latencySumMs = this.#latencySumMs;
    return child;
  }

  /** Expects a peer to be useful, as if it had been once. Does nothing for one that is known. */
  add(node: Node): void {
    if (!this.#records.has(node)) this.#recordOf(node).recentSuccesses = 1;
  }

  /** The peer has answered usefully; without `elapsedMs` a message was sent to it, and no answer expected. */
  succeeded(node: Node, nowMs: number, elapsedMs?: number): void {
    const record = this.#outcome(node, nowMs, elapsedMs);
    if (record.successes + record.failures === 0) {
      this.#tried += 1;
      this.#triedWell += 1;
    }
    record.successes += 1;
    record.recentSuccesses += 1;
  }

  /** The call to the peer failed. */
  failed(node: Node, nowMs: number, elapsedMs?: number): void {
    const record = this.#outcome(node, nowMs, elapsedMs);
    if (record.successes + record.failures === 0) this.#tried += 1;
    record.failures += 1;
    record.recentFailures += 1;
  }

  /** The peer had not answered after `elapsedMs`, and nobody waits for it any longer. */
  unanswered(node: Node, nowMs: number, elapsedMs: number): void {
    const record = this.#used(node, nowMs);
    record.unanswered += 1;
    const atLeastMs = unansweredFactor * elapsedMs;
    if (atLeastMs > (record.latencyMs ?? 0)) this.#measure(record, atLeastMs);
  }

  /** Below 0 if `a` is the more useful one. Does not depend on the time at which it is asked. */
  compare(a: Node, b: Node): number {
    const [first, second] = [this.#rank(a), this.#rank(b)];
    // Both may be infinite, so that their difference says nothing.
    return first === second ? 0 : first < second ? -1 : 1;
  }

  /** All peers, the most useful first. */
  standings(): PeerStanding[] {
    return [...this.#records.values()]
      .sort((a, b) => this.compare(a.node, b.node))
      .map(({ node, successes, failures, unanswered, latencyMs, lastUsedMs }) => ({
        node,
        successes,
        failures,
        unanswered,
        latencyMs,
        lastUsedMs,
      }));
  }

  /** The logarithm of the expected milliseconds, on a scale that moves with the time so that those of all halve. */
  #rank(node: Node): number {
    const record = this.#records.get(node);
    const { startedMs, halfLifeMs } = this.#init;
    return Math.log2(this.#expectedMs(node, record)) + (record?.lastUsedMs ?? startedMs) / halfLifeMs;
  }

  #expectedMs(node: Node, record: PeerRecord | undefined): number {
    const firstChance = (this.#triedWell + expectedSuccesses) / (this.#tried + expectedPeers);
    const { recentSuccesses = 0, recentFailures = 0 } = record ?? {};
    const chance = (recentSuccesses + firstChance) / (recentSuccesses + recentFailures + 1);
    const latencyMs = record?.latencyMs ?? node.latencyMs ?? this.#assumedMs(record !== undefined);
    return (latencyMs + failureCostMs * (1 - chance)) / chance;
  }

  /** Of a peer that nobody has measured: it may be better than the others. */
  #assumedMs(isKnown: boolean): number {
    if (this.#latencyCount > 0) return this.#latencySumMs / this.#latencyCount / 2;
    // As in the order by latency, those who were not measured come last, behind those who were added.
    return isKnown ? 0 : Number.POSITIVE_INFINITY;
  }

  #outcome(node: Node, nowMs: number, elapsedMs: number | undefined): PeerRecord {
    const record = this.#used(node, nowMs);
    if (elapsedMs !== undefined) this.#measure(record, elapsedMs);
    record.recentSuccesses *= outcomeDecay;
    record.recentFailures *= outcomeDecay;
    return record;
  }

  #used(node: Node, nowMs: number): PeerRecord {
    const record = this.#recordOf(node);
    record.lastUsedMs = nowMs;
    this.#records.delete(node);
    this.#records.set(node, record);
    return record;
  }

  #measure(record: PeerRecord, measuredMs: number): void {
    const before = record.latencyMs;
    const after = before === undefined ? measuredMs : before + latencyWeight * (measuredMs - before);
    record.latencyMs = after;
    this.#latencySumMs += after - (before ?? 0);
    if (before === undefined) this.#latencyCount += 1;
  }

  #recordOf(node: Node): PeerRecord {
    const known = this.#records.get(node);
    if (known !== undefined) return known;
    if (this.#records.size >= this.#init.maxPeers) this.#putOut();
    const record: PeerRecord = {
      node,
      successes: 0,
      failures: 0,
      unanswered: 0,
      latencyMs: undefined,
      lastUsedMs: undefined,
      recentSuccesses: 0,
      recentFailures: 0,
    };
    this.#records.set(node, record);
    return record;
  }

  #putOut(): void {
    const [oldest] = this.#records.values();
    if (oldest === undefined) return;
    this.#records.delete(oldest.node);
    if (oldest.latencyMs === undefined) return;
    this.#latencyCount -= 1;
    this.#latencySumMs -= oldest.latencyMs;
  }
}
