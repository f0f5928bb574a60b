import type { OpenIntent } from "./open-intents.js";
import type { SessionView } from "./table-session.js";
import type { TableState } from "./table-state.js";

/**
 * One step of the log's age, if it follows the last one that counted: of several servers that tick at once, one counts.
 * Returns whether it did.
 */
export function applyTick(state: TableState, op: number, previousOp: number): boolean {
  if (previousOp !== state.tickOp) return false;
  state.tickOp = op;
  state.ageMs += state.limits.tickMs;
  return true;
}

/** Whether the session has been idle for its time-out, by the log's age. */
export function isIdle(state: TableState, session: SessionView): boolean {
  return hasPassed(state, session.lastUseAgeMs, state.limits.idleTimeoutMs);
}

/** Whether a verdict may end the intent: it is too old by the log's age, or the process that ran it is gone. */
export function isDue(state: TableState, intent: OpenIntent): boolean {
  return intent.serverGone || hasPassed(state, intent.ageMs, state.limits.guardTimeoutMs);
}

// One tick more, because what begins just before a tick gets that one for nothing.
function hasPassed({ ageMs, limits }: TableState, sinceMs: number, timeoutMs: number): boolean {
  return ageMs - sinceMs >= timeoutMs + limits.tickMs;
}
