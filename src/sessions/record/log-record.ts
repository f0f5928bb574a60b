import type { Reply } from "../reply.js";
import type { SessionLimits } from "../session-limits.js";
import type { RequestStamp } from "../stamp.js";

/** Who proposed an entry; unique in the log, so that the proposer knows its entry when it applies it. */
export interface EntryId {
  /** 16 random bytes of the process, in hex. */
  readonly incarnation: string;
  /** Counted up within the process. */
  readonly counter: number;
}

/** One entry of the commit log, decoded. Ids are lower-case hex, numbers are integers from 0 to 2^53-1. */
export interface LogRecord {
  readonly id: EntryId;
  /** Milliseconds since 1970 by the proposer's clock. For handlers; no rule depends on it. */
  readonly timestampMs: number;
  readonly entry: Entry;
}

/** What an entry says. */
export type Entry =
  | RegisterEntry
  | { readonly kind: "unregister"; readonly client: string; readonly session: number }
  | KeepAliveEntry
  | RequestEntry
  | RefusedEntry
  | IntentEntry
  | CallEntry
  | { readonly kind: "result"; readonly intentOp: number; readonly reply: Reply }
  | { readonly kind: "verdict"; readonly intentOp: number }
  | ExpireEntry
  | { readonly kind: "serverUp"; readonly serverId: string }
  | { readonly kind: "tick"; readonly previousOp: number }
  | ConfigureEntry
  | { readonly kind: "check"; readonly op: number; readonly hash: string };

/** A client registers. */
export interface RegisterEntry {
  readonly kind: "register";
  readonly client: string;
  readonly user: string;
  /** 16 random bytes, the same in each retry of one registration. */
  readonly nonce: string;
  /** 0 for a new session, else the session number that the client holds. */
  readonly previous: number;
}

/** A client still uses its session. */
export interface KeepAliveEntry {
  readonly kind: "keepAlive";
  readonly client: string;
  readonly session: number;
  readonly respondedTo: number;
}

/** A request as its server accepted it. */
export interface AcceptedStamp extends RequestStamp {
  /** As `requestDigest` makes it. */
  readonly digest: string;
}

/** A request of a replicated method. */
export interface RequestEntry {
  readonly kind: "request";
  readonly stamp: AcceptedStamp;
  readonly method: string;
  readonly payload: Uint8Array;
}

/** A request that was refused for good after its number was given out: else all behind it would be a gap for ever. */
export interface RefusedEntry {
  readonly kind: "refused";
  readonly stamp: AcceptedStamp;
  /** A `google.rpc.Status`, encoded. */
  readonly status: Uint8Array;
}

/** A request of a guarded method, before its handler runs. */
export interface IntentEntry {
  readonly kind: "intent";
  readonly stamp: AcceptedStamp;
  readonly method: string;
  /** The server that runs the handler. */
  readonly serverId: string;
}

/** A call of a replicated method without a session. */
export interface CallEntry {
  readonly kind: "call";
  readonly user: string;
  readonly method: string;
  readonly payload: Uint8Array;
}

/** A session was idle for too long, in the eyes of some server. */
export interface ExpireEntry {
  readonly kind: "expire";
  readonly client: string;
  readonly session: number;
  readonly lastUseOp: number;
}

/** The limits or the format change. */
export interface ConfigureEntry {
  readonly kind: "configure";
  /** The op of the last Configure that took effect, 0 for none. */
  readonly previousOp: number;
  readonly limits: SessionLimits;
  readonly format: number;
}
