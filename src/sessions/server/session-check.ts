import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { AcceptedStamp } from "../record/log-record.js";
import type { Reply } from "../reply.js";
import { type RefusalReason, refusal, sessionMismatch } from "../session-errors.js";
import type { ClientTable } from "../table/client-table.js";
import type { RequestIgnored } from "../table/effect.js";
import { type KeptRequest, keptReplyBytes, keptRequest, type SessionView } from "../table/table-session.js";
import type { Flight, FlightsView } from "./in-flight.js";

/** What a check asks of the table. */
export type TableView = Pick<ClientTable, "session" | "limits">;

/** The stream on which something came. */
export interface CheckedStream {
  /** The user of the stream, "" where nobody need log in; undefined while it is not authenticated. */
  readonly user: string | undefined;
  /** Whether it is bound to the client and the session number of the stamp. */
  readonly bound: boolean;
}

/**
 * Refused, by this row of the check: rows 1 to 6 are about stream and session, 7 to 14 about the request, and the first
 * one that fits decides. The error goes to the client, without an op.
 */
export interface Refused {
  readonly kind: "refused";
  readonly row: number;
  readonly error: QuorateError;
}

/**
 * This server may lag behind, so it must not say yet that something does not exist: make a barrier, then check again
 * from the first row, with `afterBarrier`.
 */
export interface NeedsBarrier {
  readonly kind: "barrier";
  readonly row: number;
}

/** How a read or a KeepAlive stands. */
export type SessionCheck =
  | Refused
  | NeedsBarrier
  | { readonly kind: "passed"; readonly session: SessionView };

/** How a request that was applied before stands. */
export type KnownCheck =
  | Refused
  /** Row 10: its intent is open; the first Result or Verdict of it is the answer. */
  | { readonly kind: "awaitIntent"; readonly row: 10; readonly intentOp: number }
  /** Row 11: the kept reply, with the op that it stands for. */
  | { readonly kind: "answer"; readonly row: 11; readonly op: number; readonly reply: Reply };

/** How a request stands. */
export type RequestCheck<Value> =
  | NeedsBarrier
  | KnownCheck
  /** Row 9: it is in flight; one execution, two answers. */
  | { readonly kind: "join"; readonly row: 9; readonly flight: Flight<Value> }
  /** Row 14: append it, in this turn. */
  | { readonly kind: "accept"; readonly row: 14 };

/** Whether the check follows a barrier. At most one is made for one check. */
export interface CheckOptions {
  readonly afterBarrier: boolean;
}

/** Checks a read or a KeepAlive: rows 1 to 6. */
export function checkSession(
  table: TableView,
  { client, session }: { readonly client: string; readonly session: number },
  { user, bound }: CheckedStream,
  { afterBarrier }: CheckOptions,
): SessionCheck {
  if (user === undefined) return refused(1, "NOT_AUTHENTICATED");
  const present = table.session(client);
  const problem = sessionProblem(present, session, user);
  if (problem !== undefined) {
    const mayLag = problem.row === 2 || problem.row === 5;
    return mayLag && !afterBarrier ? { kind: "barrier", row: problem.row } : problem;
  }
  if (present === undefined || !bound) return refused(6, "SESSION_NOT_BOUND");
  return { kind: "passed", session: present };
}

/** How an Unregister stands. */
export type UnregisterCheck =
  | Refused
  | NeedsBarrier
  /** There is no such session: the goal holds, and nothing is appended. */
  | { readonly kind: "done" }
  | { readonly kind: "passed"; readonly session: SessionView };

/**
 * Checks an Unregister: rows 1 and 3, and whether there is anything to end.
 *
 * Its entry names no user. So it is appended only for the very session that was found to be the user's, if need be after
 * a barrier: else a server that lags behind, and does not know the session yet, would let another user end it.
 */
export function checkUnregister(
  table: TableView,
  { client, session }: { readonly client: string; readonly session: number },
  user: string | undefined,
  { afterBarrier }: CheckOptions,
): UnregisterCheck {
  if (user === undefined) return refused(1, "NOT_AUTHENTICATED");
  const present = table.session(client);
  if (present !== undefined && present.user !== user) return refused(3, "SESSION_OWNED_BY_ANOTHER_USER");
  if (present?.session === session) return { kind: "passed", session: present };
  const isOlder = present !== undefined && session < present.session;
  return isOlder || afterBarrier ? { kind: "done" } : { kind: "barrier", row: 3 };
}

/** Checks a request: all rows, in their order. */
export function checkRequest<Value>(
  table: TableView,
  flights: FlightsView<Value>,
  stamp: AcceptedStamp,
  stream: CheckedStream,
  options: CheckOptions,
): RequestCheck<Value> {
  const passed = checkSession(table, stamp, stream, options);
  if (passed.kind !== "passed") return passed;
  const { session } = passed;
  const { client, request, respondedTo, digest } = stamp;

  if (request <= session.respondedTo) return refused(7, "ALREADY_ANSWERED");
  const flight = flights.find(client, session.session, request);
  if (flight !== undefined && flight.digest !== digest) return refused(8, "REQUEST_REUSED");
  const kept = keptRequest(session, request);
  if (kept !== undefined && kept.digest !== digest) return refused(8, "REQUEST_REUSED");
  if (flight !== undefined) return { kind: "join", row: 9, flight };
  if (kept !== undefined) return checkKept(kept);

  const { maxInFlight, maxReplyBytes } = table.limits;
  // Above the stamp's responded-to, not the table's: else a window full of large replies could never open again, as it
  // is the next request that tells that they are consumed.
  const isFull = request > respondedTo + maxInFlight || keptReplyBytes(session, respondedTo) >= maxReplyBytes;
  if (isFull) return refused(12, "WINDOW_FULL");

  const accepted = Math.max(session.highest, flights.highest(client, session.session));
  if (request > accepted + 1) {
    return options.afterBarrier ? refused(13, "REQUEST_GAP") : { kind: "barrier", row: 13 };
  }
  // Below others that are in flight, and not among them: its own entry came to nothing, and so will theirs, soon.
  if (request <= accepted) return refused(14, "RETRY");
  return { kind: "accept", row: 14 };
}

/**
 * What the proposer of a Request, Refused or Intent answers if the entry, when it was applied, changed nothing: rows 2
 * to 5, or 7 to 11, of the table as of that entry, which no barrier could make newer.
 *
 * @param user the user as whom it was accepted.
 */
export function answerIgnored(
  table: TableView,
  stamp: AcceptedStamp,
  user: string,
  why: RequestIgnored,
): KnownCheck {
  if (why === "window") return refused(12, "WINDOW_FULL");
  const session = table.session(stamp.client);
  const problem = why === "session" ? sessionProblem(session, stamp.session, user) : undefined;
  if (problem !== undefined) return problem;
  if (why !== "duplicate" || session === undefined) return refused(13, "RETRY");
  if (stamp.request <= session.respondedTo) return refused(7, "ALREADY_ANSWERED");
  const kept = keptRequest(session, stamp.request);
  if (kept === undefined) return refused(13, "RETRY");
  return kept.digest === stamp.digest ? checkKept(kept) : refused(8, "REQUEST_REUSED");
}

/** Rows 2 to 5. */
function sessionProblem(
  present: SessionView | undefined,
  session: number,
  user: string,
): Refused | undefined {
  if (present === undefined) return refused(2, "NO_SESSION");
  if (present.user !== user) return refused(3, "SESSION_OWNED_BY_ANOTHER_USER");
  if (session < present.session) {
    return { kind: "refused", row: 4, error: sessionMismatch(present.session, present.created) };
  }
  return session > present.session ? refused(5, "SESSION_UNKNOWN") : undefined;
}

function checkKept({ op, reply }: KeptRequest): KnownCheck {
  return reply === undefined
    ? { kind: "awaitIntent", row: 10, intentOp: op }
    : { kind: "answer", row: 11, op, reply };
}

function refused(row: number, reason: RefusalReason): Refused {
  return { kind: "refused", row, error: refusal(reason) };
}
