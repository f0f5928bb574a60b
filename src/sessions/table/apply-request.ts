import type { IntentEntry, RefusedEntry, RequestEntry } from "../record/log-record.js";
import { limitedReply, type Reply } from "../reply.js";
import type { Effect, RequestIgnored } from "./effect.js";
import type { RunReplicated } from "./run-replicated.js";
import { keepRequest, type TableSession } from "./table-session.js";
import type { TableState } from "./table-state.js";

/** Applies a Request, a Refused or an Intent: all three move `highest`, by the same rules. */
export function applyRequest(
  state: TableState,
  op: number,
  entry: RequestEntry | RefusedEntry | IntentEntry,
  run: RunReplicated,
): Effect {
  const { stamp } = entry;
  const session = state.sessions.get(stamp.client);
  // Another number: its holder is fenced.
  if (session?.session !== stamp.session) return { kind: "ignored", op, why: "session" };
  const why = requestIgnored(session, stamp, state.limits.maxInFlight);
  if (why !== undefined) return { kind: "ignored", op, why };

  const { client, request, respondedTo, digest } = stamp;
  const keep = (reply: Reply | undefined) => {
    keepRequest(session, { digest, op, reply }, respondedTo);
    state.sessions.use(session, op, state.ageMs);
  };
  if (entry.kind === "intent") {
    keep(undefined);
    return openIntent(state, op, entry, session.user);
  }
  const reply = replyOf(state, op, entry, session, run);
  keep(reply);
  return { kind: "applied", op, client, session: stamp.session, request, reply };
}

/** Why the number is not the next one that may be applied, or undefined. */
function requestIgnored(
  { highest }: TableSession,
  { request, respondedTo }: { readonly request: number; readonly respondedTo: number },
  maxInFlight: number,
): RequestIgnored | undefined {
  if (request <= highest) return "duplicate";
  if (request > highest + 1) return "gap";
  return request > respondedTo + maxInFlight ? "window" : undefined;
}

function replyOf(
  { limits, timestampMs }: TableState,
  op: number,
  entry: RequestEntry | RefusedEntry,
  { client, user }: TableSession,
  run: RunReplicated,
): Reply {
  if (entry.kind === "refused")
    return limitedReply({ kind: "status", bytes: entry.status }, limits.maxReplyBytes);
  const { method, payload } = entry;
  return limitedReply(run({ op, timestampMs, user, client, method, payload }), limits.maxReplyBytes);
}

function openIntent(state: TableState, op: number, entry: IntentEntry, user: string): Effect {
  const { stamp, method, serverId } = entry;
  const { client, session, request } = stamp;
  const intent = { op, client, request, serverId, ageMs: state.ageMs, serverGone: false };
  state.intents.add(intent);
  return { kind: "intentOpened", op, user, session, method, intent };
}
