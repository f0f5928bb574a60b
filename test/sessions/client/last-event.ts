import type { Session, SessionEvent } from "../../../src/sessions/client/session.js";

/** The last event of a session, once it has ended. */
export async function lastEvent(session: Session): Promise<SessionEvent> {
  let last: SessionEvent | undefined;
  for await (const event of session.events) last = event;
  if (last === undefined) throw new Error("a session without events");
  return last;
}
