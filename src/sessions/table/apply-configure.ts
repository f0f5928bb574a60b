import { checkFormat } from "../record/log-format.js";
import type { ConfigureEntry } from "../record/log-record.js";
import type { SessionLimits } from "../session-limits.js";
import type { Effect, EndedSession } from "./effect.js";
import { endSession } from "./end-session.js";
import type { TableState } from "./table-state.js";

/**
 * Changes limits and format, if it follows the last Configure that took effect, and does not lower the format.
 *
 * @throws QuorateError Unimplemented, `UNKNOWN_ENTRY`, for a format that this version does not know.
 */
export function applyConfigure(
  state: TableState,
  op: number,
  { previousOp, limits, format }: ConfigureEntry,
): Effect {
  checkFormat(format);
  if (previousOp !== state.configureOp || format < state.format) return { kind: "ignored", op, why: "stale" };
  state.configureOp = op;
  state.limits = limits;
  state.format = format;
  return { kind: "configured", op, limits, format, ended: endSurplus(state, limits) };
}

// In the order of use and not user by user: the order of the users is not part of the state.
function endSurplus(state: TableState, limits: SessionLimits): EndedSession[] {
  const ended: EndedSession[] = [];
  const sessions = new Map<string, number>();
  for (const { user } of state.sessions) sessions.set(user, (sessions.get(user) ?? 0) + 1);
  for (const session of state.sessions) {
    const own = sessions.get(session.user) ?? 0;
    if (session.user === "" || own <= limits.maxSessionsPerUser) continue;
    sessions.set(session.user, own - 1);
    ended.push(endSession(state, session, "capacity"));
  }
  for (const session of state.sessions) {
    if (state.sessions.size <= limits.maxSessions) break;
    ended.push(endSession(state, session, "capacity"));
  }
  return ended;
}
