import type { EndedSession } from "./effect.js";
import type { TableSession } from "./table-session.js";
import type { TableState } from "./table-state.js";

/** Ends a session with all that the table has of it. */
export function endSession(
  state: TableState,
  session: TableSession,
  reason: EndedSession["reason"],
): EndedSession {
  state.sessions.remove(session);
  const { client, user, created } = session;
  // A later Result or Verdict must find nothing: the client id may have a new session by then.
  const intents = state.intents.closeAllOf(client);
  return { client, user, session: session.session, created, reason, intents };
}
