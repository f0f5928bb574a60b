import type { Reply } from "../reply.js";
import type { SessionLimits } from "../session-limits.js";
import type { OpenIntent } from "./open-intents.js";

/** What the entry at `op` changed, or why it changed nothing. */
export type Effect =
  | RegisterEffect
  | { readonly kind: "unregistered"; readonly op: number; readonly ended: readonly EndedSession[] }
  | { readonly kind: "expired"; readonly op: number; readonly ended: readonly EndedSession[] }
  | { readonly kind: "keptAlive"; readonly op: number; readonly client: string; readonly session: number }
  | AppliedEffect
  | IntentOpenedEffect
  | IntentClosedEffect
  | { readonly kind: "called"; readonly op: number; readonly user: string; readonly reply: Reply }
  | ServerUpEffect
  | { readonly kind: "ticked"; readonly op: number }
  | ConfiguredEffect
  | { readonly kind: "check"; readonly op: number; readonly checkedOp: number; readonly hash: string }
  | IgnoredEffect;

/** A session that ended. What is in flight or waits under it ends, too. */
export interface EndedSession {
  readonly client: string;
  readonly user: string;
  /** The session number that it had. */
  readonly session: number;
  readonly created: number;
  readonly reason: "capacity" | "expired" | "unregistered";
  /** Its open intents, which are closed: who waits for them gets `OUTCOME_UNKNOWN`. */
  readonly intents: readonly OpenIntent[];
}

/** What a client is told of its session, as of the entry. */
export interface SessionStanding {
  readonly client: string;
  readonly user: string;
  readonly session: number;
  readonly created: number;
  readonly highest: number;
  readonly respondedTo: number;
}

/** What became of a Register. */
export type RegisterEffect =
  /** A new session; `ended` made room for it. */
  | {
      readonly kind: "registered";
      readonly op: number;
      readonly state: SessionStanding;
      readonly ended: readonly EndedSession[];
    }
  /** The session goes on under a new number. What is in flight under `fenced`, or an older one, ends. */
  | {
      readonly kind: "resumed";
      readonly op: number;
      readonly state: SessionStanding;
      readonly fenced: number;
    }
  /** The same registration again: nothing changes. */
  | { readonly kind: "alreadyRegistered"; readonly op: number; readonly state: SessionStanding }
  | {
      readonly kind: "registerRefused";
      readonly op: number;
      readonly client: string;
      readonly reason: "SESSION_OWNED_BY_ANOTHER_USER" | "NO_SESSION";
    }
  | {
      readonly kind: "registerRefused";
      readonly op: number;
      readonly client: string;
      readonly reason: "SESSION_MISMATCH";
      readonly session: number;
      readonly created: number;
    };

/** A Request was run, or a Refused counted. The reply is kept. */
export interface AppliedEffect {
  readonly kind: "applied";
  readonly op: number;
  readonly client: string;
  readonly session: number;
  readonly request: number;
  readonly reply: Reply;
}

/** An Intent won its number: the server that proposed it starts the handler, once. */
export interface IntentOpenedEffect {
  readonly kind: "intentOpened";
  readonly op: number;
  readonly user: string;
  /** The session number under which it came. */
  readonly session: number;
  readonly method: string;
  readonly intent: OpenIntent;
}

/** The first Result or Verdict of an intent: everybody answers with this reply and op. */
export interface IntentClosedEffect {
  readonly kind: "intentClosed";
  readonly op: number;
  readonly by: "result" | "verdict";
  readonly intent: OpenIntent;
  readonly reply: Reply;
}

/** A process of this server starts. */
export interface ServerUpEffect {
  readonly kind: "serverUp";
  readonly op: number;
  readonly serverId: string;
  /** The intents that the one before it left open: they are due now. */
  readonly left: readonly OpenIntent[];
}

/** The limits or the format changed; sessions above the new limits ended. */
export interface ConfiguredEffect {
  readonly kind: "configured";
  readonly op: number;
  readonly limits: SessionLimits;
  readonly format: number;
  readonly ended: readonly EndedSession[];
}

/**
 * The entry changed nothing: there is no such session, or it has another number (`session`); the request was applied
 * before (`duplicate`), a lower one is missing (`gap`), or it is above the window (`window`); the intent is closed
 * (`intentClosed`) or not due (`notDue`); the session was used since or is not idle (`notIdle`); another Tick or
 * Configure was faster (`stale`).
 */
export interface IgnoredEffect {
  readonly kind: "ignored";
  readonly op: number;
  readonly why: RequestIgnored | "intentClosed" | "notDue" | "notIdle" | "stale";
}

/** Why a Request, Refused or Intent changed nothing. */
export type RequestIgnored = "session" | "duplicate" | "gap" | "window";
