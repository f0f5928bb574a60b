import { FieldProblem } from "../record/read-field.js";
import type { MachineSnapshot } from "./machine-snapshot.js";
import type { OpenIntent } from "./open-intents.js";
import { keptRequest, type SessionView } from "./table-session.js";
import type { TableState } from "./table-state.js";

/**
 * Refuses a state to which no entries lead. Nothing here looks at `maxInFlight`: it may have been higher before.
 *
 * @throws FieldProblem
 */
export function checkSnapshotState(state: TableState, machines: readonly MachineSnapshot[]): void {
  if (state.configureOp > state.appliedOp) throw new FieldProblem("its limits are newer than its entries");
  if (state.tickOp > state.appliedOp) throw new FieldProblem("its age is newer than its entries");
  if (state.entries > state.appliedOp) throw new FieldProblem("it has more entries than ops");
  checkSessions(state);
  checkIntents(state);
  const services = machines.map(({ service }) => service);
  if (!services.every((service, at) => at === 0 || (services[at - 1] ?? "") < service)) {
    throw new FieldProblem("its state machines are not in order, or one is in it twice");
  }
}

function checkSessions({ sessions, limits, appliedOp, ageMs }: TableState): void {
  if (sessions.size > limits.maxSessions)
    throw new FieldProblem("it has more sessions than its limits allow");
  const numbers = new Set<number>();
  let before: SessionView | undefined;
  for (const session of sessions) {
    if (sessions.surplus(session.user, limits) !== undefined) {
      throw new FieldProblem("a user has more sessions than its limits allow");
    }
    if (numbers.has(session.session)) throw new FieldProblem("a session number is in it twice");
    numbers.add(session.session);
    // An entry uses one session at most.
    if (
      before !== undefined &&
      (before.lastUseOp >= session.lastUseOp || before.lastUseAgeMs > session.lastUseAgeMs)
    ) {
      throw new FieldProblem("its sessions are not in the order of their use");
    }
    before = session;
    checkSession(session, appliedOp, ageMs);
  }
}

function checkSession(session: SessionView, appliedOp: number, ageMs: number): void {
  const { created, session: number, lastUseOp, lastUseAgeMs, highest, respondedTo, kept } = session;
  if (created > number || number > lastUseOp || lastUseOp > appliedOp || lastUseAgeMs > ageMs) {
    throw new FieldProblem("the ops of a session are not in order");
  }
  if (kept.length !== highest - respondedTo) {
    throw new FieldProblem("a session has other replies than those that are not consumed");
  }
  if (kept.some(({ op }) => op <= created || op > appliedOp)) {
    throw new FieldProblem("a reply is from an op at which its session was not there");
  }
}

function checkIntents({ intents, sessions, appliedOp, ageMs }: TableState): void {
  let before: OpenIntent | undefined;
  let kept = 0;
  for (const intent of intents) {
    if ((before?.op ?? 0) >= intent.op || (before?.ageMs ?? 0) > intent.ageMs || intent.ageMs > ageMs) {
      throw new FieldProblem("its intents are not in order");
    }
    before = intent;
    const session = sessions.get(intent.client);
    if (session === undefined || intent.op > appliedOp || intent.op <= session.created) {
      throw new FieldProblem("an intent has no session");
    }
    if (intent.request > session.highest)
      throw new FieldProblem("an intent is above the requests of its session");
    // Forgotten by a client that no longer waits for it.
    if (intent.request <= session.respondedTo) continue;
    const request = keptRequest(session, intent.request);
    if (request?.op !== intent.op || request.reply !== undefined) {
      throw new FieldProblem("an intent is not the one of its request");
    }
    kept += 1;
  }
  let open = 0;
  for (const session of sessions) open += session.kept.filter(({ reply }) => reply === undefined).length;
  if (open !== kept) throw new FieldProblem("a request without a reply has no intent");
}
