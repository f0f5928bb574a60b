import type { Reply } from "../reply.js";

/** What the table has of one applied request whose reply the client may still ask for. */
export interface KeptRequest {
  readonly digest: string;
  /** The op of the entry that has the reply; while its intent is open, the op of the intent. */
  readonly op: number;
  /** Undefined while its intent is open. */
  readonly reply: Reply | undefined;
}

/** A session as readers of the table see it. */
export interface SessionView {
  readonly client: string;
  readonly user: string;
  /** The op of the Register that made it; kept through resumes. */
  readonly created: number;
  /** The session number: the op at which the latest Register took effect. */
  readonly session: number;
  /** The nonce of that Register. */
  readonly nonce: string;
  /** The highest request number applied. */
  readonly highest: number;
  /** The replies up to this number are forgotten. */
  readonly respondedTo: number;
  /** The op of the entry that used it last. */
  readonly lastUseOp: number;
  /** The log's age at its last use. */
  readonly lastUseAgeMs: number;
  /** Exactly the requests `respondedTo + 1` to `highest`, in order. */
  readonly kept: readonly KeptRequest[];
}

/** A session as the appliers of entries see it. Its place in the order of use is changed by the store alone. */
export interface TableSession extends SessionView {
  session: number;
  nonce: string;
  highest: number;
  respondedTo: number;
  lastUseOp: number;
  lastUseAgeMs: number;
  readonly kept: KeptRequest[];
}

/** The kept request with this number, or undefined if it is forgotten or was not applied. */
export function keptRequest(session: SessionView, request: number): KeptRequest | undefined {
  return session.kept[request - session.respondedTo - 1];
}

/** Bytes of the kept replies of the requests above `request`. */
export function keptReplyBytes(session: SessionView, request: number): number {
  let bytes = 0;
  for (let at = Math.max(request - session.respondedTo, 0); at < session.kept.length; at++) {
    bytes += session.kept[at]?.reply?.bytes.length ?? 0;
  }
  return bytes;
}

/** Keeps the next request, and forgets those that its client has the replies of. */
export function keepRequest(session: TableSession, request: KeptRequest, respondedTo: number): void {
  session.kept.push(request);
  session.highest += 1;
  forgetReplies(session, respondedTo);
}

/** Forgets the replies up to this number, which is at most `highest`; never takes it back. */
export function forgetReplies(session: TableSession, respondedTo: number): void {
  if (respondedTo <= session.respondedTo) return;
  session.kept.splice(0, respondedTo - session.respondedTo);
  session.respondedTo = respondedTo;
}

/** Replaces what is kept of a request, unless it is forgotten. */
export function replaceKept(session: TableSession, request: number, op: number, reply: Reply): void {
  const kept = keptRequest(session, request);
  if (kept === undefined) return;
  session.kept[request - session.respondedTo - 1] = { digest: kept.digest, op, reply };
}
