import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { TlsSettings } from "../../internal/transport/tls-options.js";
import { deadlineAfter, scheduleDeadline } from "../../internal/util/deadlines.js";
import { onAbort } from "../../internal/util/on-abort.js";
import type { EventHub } from "../configuration/quorate-event.js";
import { certificateIdentity } from "./certificate-identity.js";
import type { ArrivingPeer, Identify, Identity } from "./identify.js";
import { trustClaims } from "./trust-claims.js";

/** What an {@link Identification} is made of. */
export interface IdentificationInit {
  readonly identify: Identify;
  /** How long it may take to decide, in milliseconds. */
  readonly timeoutMs: number;
  /** Streams about which may be thought at the same time. */
  readonly maxWaiting: number;
  readonly events: EventHub;
}

/** What becomes of a stream. */
export type Decision =
  | { readonly kind: "admitted"; readonly identity: Identity }
  | { readonly kind: "refused"; readonly error: QuorateError }
  /** Its peer has left before it was decided. */
  | { readonly kind: "gone" };

/** Has `identify` decide about the streams of one server: each within a time, and not about too many at once. */
export class Identification {
  readonly #init: IdentificationInit;
  /** What ends the waiting for each of the streams that wait. */
  readonly #waiting = new Set<(error: QuorateError) => void>();

  constructor(init: IdentificationInit) {
    this.#init = init;
  }

  /**
   * Decides about a stream, and calls `decided` once: before it returns, unless `identify` answers with a promise.
   * `gone` ends when the peer leaves.
   */
  decide(peer: ArrivingPeer, gone: AbortSignal, decided: (decision: Decision) => void): void {
    if (gone.aborted) {
      decided({ kind: "gone" });
      return;
    }
    const controller = new AbortController();
    const answer = this.#ask(peer, controller.signal);
    if (answer instanceof Promise) this.#wait(answer, controller, gone, decided);
    else decided(answer());
  }

  /** Refuses all streams that wait, with this error. */
  refuseWaiting(error: QuorateError): void {
    for (const end of [...this.#waiting]) end(error);
  }

  /** Never throws, and what it returns never rejects. What comes of it is only looked at if it comes in time. */
  #ask(peer: ArrivingPeer, signal: AbortSignal): (() => Decision) | Promise<() => Decision> {
    const { identify, maxWaiting } = this.#init;
    if (this.#waiting.size >= maxWaiting) return () => this.#tooMany();
    const answered = (identity: Identity) => () => checked(peer, identity);
    const threw = (thrown: unknown) => () => this.#refusal(thrown);
    try {
      const answer = identify(peer, signal);
      return isPromise(answer) ? Promise.resolve(answer).then(answered, threw) : answered(answer);
    } catch (thrown) {
      return threw(thrown);
    }
  }

  #wait(
    answer: Promise<() => Decision>,
    controller: AbortController,
    gone: AbortSignal,
    decided: (decision: Decision) => void,
  ): void {
    const { timeoutMs } = this.#init;
    const settle = (decision: () => Decision, reason?: QuorateError) => {
      if (!this.#waiting.delete(end)) return;
      cancelDeadline();
      unlisten();
      if (reason !== undefined) controller.abort(reason);
      decided(decision());
    };
    const end = (error: QuorateError) => settle(() => ({ kind: "refused", error }), error);
    this.#waiting.add(end);
    const cancelDeadline = scheduleDeadline(deadlineAfter(timeoutMs), () => end(tooLate(timeoutMs)));
    const unlisten = onAbort(gone, () =>
      settle(() => ({ kind: "gone" }), new QuorateError(Code.Canceled, "quorate: the peer is gone")),
    );
    void answer.then((decision) => settle(decision));
  }

  /** A peer learns no more than that something is wrong here, unless somebody wanted it to. */
  #refusal(thrown: unknown): Decision {
    // With Ok it would be no refusal to whoever reads the status.
    if (thrown instanceof QuorateError && thrown.code !== Code.Ok) return { kind: "refused", error: thrown };
    this.#init.events.emit({ kind: "callbackFailed", callback: "identify", error: thrown });
    const options = { reason: "IDENTIFY_FAILED", cause: thrown };
    return { kind: "refused", error: new QuorateError(Code.Internal, "quorate: identify failed", options) };
  }

  #tooMany(): Decision {
    const { events, maxWaiting } = this.#init;
    events.emit({ kind: "limitReached", limit: "unidentifiedStreams", nodeId: undefined });
    const message = `quorate: ${maxWaiting} streams wait to be identified already (maxUnidentifiedStreams)`;
    const error = new QuorateError(Code.ResourceExhausted, message, { reason: "TOO_MANY_UNIDENTIFIED" });
    return { kind: "refused", error };
  }
}

function isPromise(answer: Identity | PromiseLike<Identity>): answer is PromiseLike<Identity> {
  return typeof answer === "object" && answer !== null && "then" in answer;
}

/** Certificates count where they are asked for; else there is nothing to go by. */
export function defaultIdentify(tls: TlsSettings | undefined): Identify {
  return tls === undefined || tls.clientCertificates === "none" ? trustClaims() : certificateIdentity();
}

/** The one place where a claim is held against what was decided. */
function checked({ claim }: ArrivingPeer, identity: Identity): Decision {
  const { nodeId, name } = identity ?? {};
  if (claim.kind !== "node" || nodeId === claim.id) return { kind: "admitted", identity: { nodeId, name } };
  const message = `quorate: this peer may not be node ${claim.id}`;
  const error = new QuorateError(Code.PermissionDenied, message, { reason: "NODE_ID_DENIED" });
  return { kind: "refused", error };
}

function tooLate(timeoutMs: number): QuorateError {
  const message = `quorate: identify has not decided within ${timeoutMs} ms (identifyTimeoutMs)`;
  return new QuorateError(Code.DeadlineExceeded, message, { reason: "IDENTIFY_TIMEOUT" });
}
