import { errorReply, limitedReply, type Reply } from "../reply.js";
import { refusal } from "../session-errors.js";
import type { Effect } from "./effect.js";
import { isDue } from "./log-age.js";
import { replaceKept } from "./table-session.js";
import type { TableState } from "./table-state.js";

/** Applies a Result, or, without a reply, a Verdict: the first of them that takes effect is the reply. */
export function closeIntent(
  state: TableState,
  op: number,
  intentOp: number,
  result: Reply | undefined,
): Effect {
  const intent = state.intents.get(intentOp);
  if (intent === undefined) return { kind: "ignored", op, why: "intentClosed" };
  if (result === undefined && !isDue(state, intent)) return { kind: "ignored", op, why: "notDue" };

  const reply = result === undefined ? unknownOutcome() : limitedReply(result, state.limits.maxReplyBytes);
  state.intents.close(intent);
  // Its session is there, or it would have been closed with it; the number may be another one by now.
  const session = state.sessions.get(intent.client);
  if (session !== undefined) replaceKept(session, intent.request, op, reply);
  return { kind: "intentClosed", op, by: result === undefined ? "verdict" : "result", intent, reply };
}

function unknownOutcome(): Reply {
  return errorReply(refusal("OUTCOME_UNKNOWN"));
}
