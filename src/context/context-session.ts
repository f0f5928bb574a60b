import type { Node } from "../configuration/node.js";
import type { PeerStanding } from "./peer-tracker.js";

/** The options of a context session. They count where it begins, and not where it is joined. */
export interface ContextSessionOptions {
  /** Ends the session as well, though not the work: what goes on after that is outside of it. */
  readonly signal?: AbortSignal;
  /** How many peers it remembers; the one that was used least recently goes. Default 1,024. */
  readonly maxPeers?: number;
  /** How many keys may have a value; another one is refused. Default 256. */
  readonly maxValues?: number;
  /**
   * After how many milliseconds without use a peer is expected to take half as long, so that one that was slow or of no
   * use is tried again. Default 10,000.
   */
  readonly halfLifeMs?: number;
}

/**
 * What calls that belong together have learned, and what their code shares. It goes along with the work through whatever
 * that awaits and starts, until the work is over; it does not cross processes, and handlers do not see it.
 */
export interface ContextSession {
  /** False once its work is over, or its signal has ended. */
  readonly isOpen: boolean;
  /** The peers that it knows, the most useful first; after its end, as they were then. */
  peers(): readonly PeerStanding[];
  /**
   * Expects a peer to be useful, ahead of those that nothing is known of. Nothing changes for one that is known.
   * @throws QuorateError FailedPrecondition, `CONTEXT_SESSION_ENDED`
   */
  addPeer(node: Node): void;
  /** The value of a key; undefined if there is none, and after the end. */
  get<Value>(key: ContextKey<Value>): Value | undefined;
  /**
   * Gives a key a value, for all that runs in the session.
   * @throws QuorateError FailedPrecondition, `CONTEXT_SESSION_ENDED`; ResourceExhausted, `CONTEXT_VALUES_FULL`
   */
  set<Value>(key: ContextKey<Value>, value: Value): void;
  /**
   * The value of a key, which is made and kept if there is none.
   * @throws as `set` does, if one must be made; what `make` throws.
   */
  getOrSet<Value>(key: ContextKey<Value>, make: () => Value): Value;
}

declare const valueOf: unique symbol;

/** What a value of a context session is found by; made by {@link contextKey}. */
export interface ContextKey<Value> {
  /** For messages. */
  readonly description: string;
  readonly [valueOf]?: (value: Value) => Value;
}

/** Makes a key, for values of one type. Each key is another one, whatever its description. */
export function contextKey<Value>(description: string): ContextKey<Value> {
  return Object.freeze({ description });
}
