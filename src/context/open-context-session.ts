import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import { currentScope, openScope } from "../../internal/util/async-scope.js";
import type { Configuration } from "../configuration/configuration.js";
import type { Node } from "../configuration/node.js";
import { PeerNode } from "../configuration/peer-node.js";
import { count, interval } from "../server/peer-options.js";
import type { ContextKey, ContextSession, ContextSessionOptions } from "./context-session.js";
import { type PeerStanding, PeerTracker } from "./peer-tracker.js";

/** A context session with what only this library does to it. */
export class OpenContextSession implements ContextSession {
  /** What it has learned. Nothing is to be written to it after the end. */
  readonly tracker: PeerTracker;
  /** The nodes of the call that was tracked last. */
  lastTracked: Configuration | undefined;
  readonly #maxValues: number;
  readonly #values: Map<object, unknown>;
  readonly #close: () => void = openScope();
  #isOpen = true;

  private constructor(tracker: PeerTracker, maxValues: number, values: ReadonlyMap<object, unknown>) {
    this.tracker = tracker;
    this.#maxValues = maxValues;
    this.#values = new Map(values);
  }

  /** @throws QuorateError InvalidArgument that names the option. */
  static begin(options: ContextSessionOptions): OpenContextSession {
    const maxPeers = count("maxPeers", options.maxPeers, 1_024);
    const maxValues = count("maxValues", options.maxValues, 256);
    const halfLifeMs = interval("halfLifeMs", options.halfLifeMs, 10_000);
    const tracker = new PeerTracker({ maxPeers, halfLifeMs });
    return new OpenContextSession(tracker, maxValues, new Map());
  }

  /** The one that the running work is in; undefined outside of any, and where it has ended. */
  static current(): OpenContextSession | undefined {
    const scope = currentScope();
    return scope instanceof OpenContextSession && scope.isOpen ? scope : undefined;
  }

  /** Another one that knows the same. */
  fork(): OpenContextSession {
    return new OpenContextSession(this.tracker.fork(), this.#maxValues, this.#values);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  peers(): readonly PeerStanding[] {
    return this.tracker.standings();
  }

  addPeer(node: Node): void {
    this.#checkOpen();
    if (!(node instanceof PeerNode)) throw invalidArgument("only a node of a configuration can be added");
    this.tracker.add(node);
  }

  get<Value>(key: ContextKey<Value>): Value | undefined {
    // What was set by a key is of the key's type.
    return this.#values.get(key) as Value | undefined;
  }

  set<Value>(key: ContextKey<Value>, value: Value): void {
    this.#checkOpen();
    if (!this.#values.has(key) && this.#values.size >= this.#maxValues) {
      const message = `quorate: the context session has ${this.#maxValues} values already (maxValues); "${key.description}" is one too many`;
      throw new QuorateError(Code.ResourceExhausted, message, { reason: "CONTEXT_VALUES_FULL" });
    }
    this.#values.set(key, value);
  }

  getOrSet<Value>(key: ContextKey<Value>, make: () => Value): Value {
    // One may have been set to undefined.
    if (this.#values.has(key)) return this.get(key) as Value;
    const value = make();
    this.set(key, value);
    return value;
  }

  /** Its work is over. A second end does nothing. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // Work that was left behind holds on to the session.
    this.#values.clear();
    this.lastTracked = undefined;
    this.#close();
  }

  #checkOpen(): void {
    if (this.#isOpen) return;
    const message = "quorate: the context session has ended: nothing can be added to it any more";
    throw new QuorateError(Code.FailedPrecondition, message, { reason: "CONTEXT_SESSION_ENDED" });
  }
}
