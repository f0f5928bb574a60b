import type { Entry, ExpireEntry, KeepAliveEntry } from "../record/log-record.js";
import { limitedReply } from "../reply.js";
import { applyConfigure } from "./apply-configure.js";
import { applyRegister } from "./apply-register.js";
import { applyRequest } from "./apply-request.js";
import { closeIntent } from "./close-intent.js";
import type { Effect } from "./effect.js";
import { endSession } from "./end-session.js";
import { applyTick, isIdle } from "./log-age.js";
import type { RunReplicated } from "./run-replicated.js";
import { forgetReplies } from "./table-session.js";
import type { TableState } from "./table-state.js";

/** Changes the state as the entry says, from entry and state alone. */
export function applyEntry(state: TableState, op: number, entry: Entry, run: RunReplicated): Effect {
  switch (entry.kind) {
    case "register":
      return applyRegister(state, op, entry);
    case "unregister": {
      const session = state.sessions.get(entry.client);
      if (session?.session !== entry.session) return { kind: "ignored", op, why: "session" };
      return { kind: "unregistered", op, ended: [endSession(state, session, "unregistered")] };
    }
    case "keepAlive":
      return applyKeepAlive(state, op, entry);
    case "request":
    case "refused":
    case "intent":
      return applyRequest(state, op, entry, run);
    case "call": {
      const { user, method, payload } = entry;
      const { timestampMs, limits } = state;
      const reply = run({ op, timestampMs, user, client: undefined, method, payload });
      return { kind: "called", op, user, reply: limitedReply(reply, limits.maxReplyBytes) };
    }
    case "result":
      return closeIntent(state, op, entry.intentOp, entry.reply);
    case "verdict":
      return closeIntent(state, op, entry.intentOp, undefined);
    case "expire":
      return applyExpire(state, op, entry);
    case "serverUp": {
      const { serverId } = entry;
      return { kind: "serverUp", op, serverId, left: state.intents.serverUp(serverId) };
    }
    case "tick":
      if (!applyTick(state, op, entry.previousOp)) return { kind: "ignored", op, why: "stale" };
      return { kind: "ticked", op };
    case "configure":
      return applyConfigure(state, op, entry);
    default:
      // A Check is for whoever keeps the hashes; the state does not depend on it.
      return { kind: "check", op, checkedOp: entry.op, hash: entry.hash };
  }
}

function applyKeepAlive(state: TableState, op: number, entry: KeepAliveEntry): Effect {
  const session = state.sessions.get(entry.client);
  if (session?.session !== entry.session) return { kind: "ignored", op, why: "session" };
  // A client cannot have consumed what was not applied.
  forgetReplies(session, Math.min(entry.respondedTo, session.highest));
  state.sessions.use(session, op, state.ageMs);
  return { kind: "keptAlive", op, client: entry.client, session: entry.session };
}

function applyExpire(state: TableState, op: number, entry: ExpireEntry): Effect {
  const session = state.sessions.get(entry.client);
  if (session?.session !== entry.session) return { kind: "ignored", op, why: "session" };
  // Used since the proposal, or proposed by a server whose notion of time is wrong.
  if (session.lastUseOp !== entry.lastUseOp || !isIdle(state, session)) {
    return { kind: "ignored", op, why: "notIdle" };
  }
  return { kind: "expired", op, ended: [endSession(state, session, "expired")] };
}
