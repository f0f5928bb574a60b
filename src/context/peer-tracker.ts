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
   * How long it takes to answer, or to fail, in milliseconds: a moving estimate, in which a new call counts for a fifth,
   * and for more if the one before was some half-lives ago. Undefined before the first two-way call.
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
}

interface PeerRecord {
  readonly node: Node;
  successes: number;
  failures: number;
  unanswered: number;
  latencyMs: number | undefined;
  lastUsedMs: number | undefined;
  /** When it was used last, on the clock of the tracker. */
  usedAtMs: number | undefined;
  /** The outcomes, each older one counting for a little less than the next. */
  recentSuccesses: number;
  recentFailures: number;
}

/** What is known of the peers together. */
interface Overall {
  /** Goes on with the calls: a pause between two counts for one half-life at most, as nothing gets old by it. */
  clockMs: number;
  lastUsedMs: number | undefined;
  /** When a peer had its first outcome last, on that clock. */
  exploredAtMs: number;
  /** Peers that had an outcome, and those of them whose first was a success. */
  tried: number;
  triedWell: number;
  /** How many of `expectedPeers` are expected to succeed before any was called. */
  expectedWell: number;
  latencyCount: number;
  latencySumMs: number;
}

/** What a new measure counts in the latency of a peer, as in that of a node. */
const latencyWeight = 0.2;
/** What an outcome counts when the next is there. */
const outcomeDecay = 0.8;
/** A failure costs as much as an answer that takes this long: somebody else must be asked. */
const failureCostMs = 1_000;
/** Before anything has failed nothing is expected to: as if 1.9 of 2 peers had succeeded at their first call. */
const expectedPeers = 2;
const expectedWell = 1.9;
/** Where it was said who is useful, it must be expected that others are not. */
const expectedWellBesideAdded = 1;
/** An answer that was not waited for is counted as if it had come after this many times the wait. */
const unansweredFactor = 2;

/**
 * What the calls of one piece of work say about the peers that they went to.
 *
 * Peers are ranked by the milliseconds to expect until one has an answer from them: `(latency + failure cost × chance of
 * failing) / chance of succeeding`. The chances are those of the last calls or so; who was not called yet is expected to
 * do as the others did at their first call. So where everybody has an answer the quick are asked, and where few have it,
 * those who had it.
 *
 * What is expected of a peer halves with each half-life in which it was not used, so that the slow and the useless are
 * tried again; and when it is used, what was known before counts for as much less. Those who were never used are tried
 * one by one: each that is tried makes the others wait as if they had been used then.
 */
export class PeerTracker {
  readonly #init: PeerTrackerInit;
  /** The least recently used first. */
  readonly #records = new Map<Node, PeerRecord>();
  #overall: Overall = {
    clockMs: 0,
    lastUsedMs: undefined,
    exploredAtMs: 0,
    tried: 0,
    triedWell: 0,
    expectedWell,
    latencyCount: 0,
    latencySumMs: 0,
  };

  constructor(init: PeerTrackerInit) {
    this.#init = init;
  }

  /** Another one that knows the same. */
  fork(): PeerTracker {
    const child = new PeerTracker(this.#init);
    for (const [node, record] of this.#records) child.#records.set(node, { ...record });
    child.#overall = { ...this.#overall };
    return child;
  }

  /** Expects a peer to be useful, as if it had been once, until it is used. Does nothing for one that is known. */
  add(node: Node): void {
    if (this.#records.has(node)) return;
    this.#recordOf(node).recentSuccesses = 1;
    this.#overall.expectedWell = expectedWellBesideAdded;
  }

  /** The peer has answered usefully; without `elapsedMs` a message was sent to it, and no answer expected. */
  succeeded(node: Node, nowMs: number, elapsedMs?: number): void {
    const record = this.#outcome(node, nowMs, elapsedMs, true);
    record.successes += 1;
    record.recentSuccesses += 1;
  }

  /** The call to the peer failed. */
  failed(node: Node, nowMs: number, elapsedMs?: number): void {
    const record = this.#outcome(node, nowMs, elapsedMs, false);
    record.failures += 1;
    record.recentFailures += 1;
  }

  /** The peer had not answered after `elapsedMs`, and nobody waits for it any longer. */
  unanswered(node: Node, nowMs: number, elapsedMs: number): void {
    const record = this.#recordOf(node);
    const remains = this.#use(record, nowMs);
    record.unanswered += 1;
    // A wait that was cut short must not make somebody quick who has never answered.
    const { latencyCount, latencySumMs } = this.#overall;
    const othersMs = record.latencyMs === undefined && latencyCount > 0 ? latencySumMs / latencyCount : 0;
    const atLeastMs = Math.max(unansweredFactor * elapsedMs, othersMs);
    if (atLeastMs > (record.latencyMs ?? node.latencyMs ?? 0)) this.#measure(record, atLeastMs, remains);
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
    const usedAtMs = record?.usedAtMs ?? this.#overall.exploredAtMs;
    return Math.log2(this.#expectedMs(node, record)) + usedAtMs / this.#init.halfLifeMs;
  }

  #expectedMs(node: Node, record: PeerRecord | undefined): number {
    const { tried, triedWell, expectedWell } = this.#overall;
    const firstChance = (triedWell + expectedWell) / (tried + expectedPeers);
    const { recentSuccesses = 0, recentFailures = 0 } = record ?? {};
    const chance = (recentSuccesses + firstChance) / (recentSuccesses + recentFailures + 1);
    const latencyMs = record?.latencyMs ?? node.latencyMs ?? this.#assumedMs(recentSuccesses > 0);
    return (latencyMs + failureCostMs * (1 - chance)) / chance;
  }

  /** Of a peer that nobody has measured: it may be better than the others. */
  #assumedMs(isAdded: boolean): number {
    const { latencyCount, latencySumMs } = this.#overall;
    if (latencyCount > 0) return latencySumMs / latencyCount / 2;
    // As in the order by latency, those who were not measured come last, behind those who were added.
    return isAdded ? 0 : Number.POSITIVE_INFINITY;
  }

  #outcome(node: Node, nowMs: number, elapsedMs: number | undefined, isSuccess: boolean): PeerRecord {
    const record = this.#recordOf(node);
    const remains = this.#use(record, nowMs);
    if (elapsedMs !== undefined) this.#measure(record, elapsedMs, remains);
    record.recentSuccesses *= outcomeDecay * remains;
    record.recentFailures *= outcomeDecay * remains;
    if (record.successes + record.failures === 0) {
      this.#overall.tried += 1;
      if (isSuccess) this.#overall.triedWell += 1;
      this.#overall.exploredAtMs = this.#overall.clockMs;
      // What was expected of one that was added is known now.
      record.recentSuccesses = 0;
    }
    return record;
  }

  /** Returns what remains of what was known of the peer before: from 1, if that is new, to 0. */
  #use(record: PeerRecord, nowMs: number): number {
    const { halfLifeMs } = this.#init;
    const overall = this.#overall;
    overall.clockMs += Math.min(nowMs - (overall.lastUsedMs ?? nowMs), halfLifeMs);
    overall.lastUsedMs = nowMs;
    const unusedMs = overall.clockMs - (record.usedAtMs ?? overall.clockMs);
    record.usedAtMs = overall.clockMs;
    record.lastUsedMs = nowMs;
    this.#records.delete(record.node);
    this.#records.set(record.node, record);
    return 2 ** (-unusedMs / halfLifeMs);
  }

  #measure(record: PeerRecord, measuredMs: number, remains: number): void {
    const before = record.latencyMs;
    const weightBefore = (1 - latencyWeight) * remains;
    const after = before === undefined ? measuredMs : measuredMs + weightBefore * (before - measuredMs);
    record.latencyMs = after;
    this.#overall.latencySumMs += after - (before ?? 0);
    if (before === undefined) this.#overall.latencyCount += 1;
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
      usedAtMs: undefined,
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
    this.#overall.latencyCount -= 1;
    this.#overall.latencySumMs -= oldest.latencyMs;
  }
}
