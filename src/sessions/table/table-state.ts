import type { Genesis } from "../record/genesis.js";
import type { SessionLimits } from "../session-limits.js";
import { OpenIntents } from "./open-intents.js";
import { SessionStore } from "./session-store.js";

/** All that the log builds. Everything that applying an entry depends on is in here and in a snapshot. */
export interface TableState {
  readonly clusterId: string;
  /** The format of the log's entries. */
  format: number;
  limits: SessionLimits;
  /** The op of the last Configure that took effect, 0 for none. */
  configureOp: number;
  /** The op of the last entry applied, 0 for none. */
  appliedOp: number;
  /** The log's age: how much time its Ticks stand for. */
  ageMs: number;
  /** The op of the last Tick that took effect, 0 for none. */
  tickOp: number;
  /** The latest timestamp of an entry: those that handlers see never go back. */
  timestampMs: number;
  /** How many entries were applied, Checks not counted. */
  entries: number;
  readonly sessions: SessionStore;
  readonly intents: OpenIntents;
}

/** The state before the first entry. */
export function emptyState({ clusterId, format, limits }: Genesis): TableState {
  return {
    clusterId,
    format,
    limits,
    configureOp: 0,
    appliedOp: 0,
    ageMs: 0,
    tickOp: 0,
    timestampMs: 0,
    entries: 0,
    sessions: new SessionStore(),
    intents: new OpenIntents(),
  };
}
