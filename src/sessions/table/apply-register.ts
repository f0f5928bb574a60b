import type { RegisterEntry } from "../record/log-record.js";
import type { RegisterEffect, SessionStanding } from "./effect.js";
import { endSession } from "./end-session.js";
import type { TableSession } from "./table-session.js";
import type { TableState } from "./table-state.js";

/** Decides on a Register. The rules are tried in the order of their numbers. */
export function applyRegister(state: TableState, op: number, entry: RegisterEntry): RegisterEffect {
  const { client, user, nonce, previous } = entry;
  const session = state.sessions.get(client);
  if (session === undefined) {
    // 4: else a request that was applied before the session ended would run again after it.
    if (previous > 0) return { kind: "registerRefused", op, client, reason: "NO_SESSION" };
    return create(state, op, entry); // 3
  }
  // 1
  if (session.user !== user) {
    return { kind: "registerRefused", op, client, reason: "SESSION_OWNED_BY_ANOTHER_USER" };
  }
  // 2: never silence; and nothing in flight is touched.
  if (session.nonce === nonce) return { kind: "alreadyRegistered", op, state: stateOf(session) };
  // 6: a late duplicate must neither fence a live holder nor take a session back.
  if (session.session !== previous) {
    const { session: present, created } = session;
    return { kind: "registerRefused", op, client, reason: "SESSION_MISMATCH", session: present, created };
  }
  // 5
  session.session = op;
  session.nonce = nonce;
  state.sessions.use(session, op, state.ageMs);
  return { kind: "resumed", op, state: stateOf(session), fenced: previous };
}

function create(state: TableState, op: number, { client, user, nonce }: RegisterEntry): RegisterEffect {
  const session: TableSession = {
    client,
    user,
    nonce,
    session: op,
    created: op,
    highest: 0,
    respondedTo: 0,
    lastUseOp: op,
    lastUseAgeMs: state.ageMs,
    kept: [],
  };
  state.sessions.add(session);
  const surplus = state.sessions.surplus(user, state.limits);
  const ended = surplus === undefined ? [] : [endSession(state, surplus, "capacity")];
  return { kind: "registered", op, state: stateOf(session), ended };
}

function stateOf({ client, user, session, created, highest, respondedTo }: TableSession): SessionStanding {
  return { client, user, session, created, highest, respondedTo };
}
