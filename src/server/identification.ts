import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { onAbort } from "../../internal/util/on-abort.js";
import { deadlineAfter, scheduleDeadline } from "../../internal/util/deadlines.js";
import type { EventHub } from "../configuration/quorate-event.js";
import type { ArrivingPeer, Identify, Identity } from "./identify.js";

/** What an {@link Identification} is made of. */
export interface IdentificationInit {
  readonly identify: Identify;
  /** How long it may take to decide, in milliseconds. */
  readonly timeoutMs: number;
  /** Streams about which may be thought at the same time. */
  readonly maxWaiting: number;
  readonly events: EventHub;
}

/** Who a stream is of, or why it is refused. */
export type Decision =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly error: QuorateError };

/** Has `identify` decide about the streams of one server: each within a time, and not about too many at once. */
export class Identification {
  readonly #init: IdentificationInit;
  /** What ends the waiting for each of the streams that wait. */
  readonly #waiting = new Set<(error: QuorateError) => void>();

  constructor(init: IdentificationInit) {
    this.#init = init;
  }

  /**
   * Decides about a stream, and calls `decided` once: before it returns, if `identify` does not answer with a promise.
   * Not at all if `gone` ends first.
   */
  decide(peer: ArrivingPeer, gone: AbortSignal, decided: (decision: Decision) => void): void {
    const { identify, maxWaiting } = this.#init;
    if (gone.aborted) return;
    if (this.#waiting.size >= maxWaiting) {
      decided({ ok: false, error: this.#tooMany() });
      return;
    }
    const controller = new AbortController();
    try {
      const answer = identify(peer, controller.signal);
      if (answer instanceof Promise) this.#wait(peer, answer, controller, gone, decided);
      else decided(checked(peer, answer));
    } catch (thrown) {
      decided({ ok: false, error: this.#refusal(thrown) });
    }
  }

  /** Refuses all streams that wait, with this error. */
  refuseWaiting(error: QuorateError): void {
    for (const end of [...this.#waiting]) end(error);
  }

  #wait(
    peer: ArrivingPeer,
    answer: Promise<Identity>,
    controller: AbortController,
    gone: AbortSignal,
    decided: (decision: Decision) => void,
  ): void {
    const { timeoutMs } = this.#init;
    /** Whether it was this that ended the waiting. */
    const settle = (): boolean => {
      cancelDeadline();
      unlisten();
      return this.#waiting.delete(end);
    };
    const end = (error: QuorateError) => {
      if (!settle()) return;
      controller.abort(error);
      decided({ ok: false, error });
    };
    this.#waiting.add(end);
    const cancelDeadline = scheduleDeadline(deadlineAfter(timeoutMs), () => end(tooLate(timeoutMs)));
    const unlisten = onAbort(gone, () => {
      if (settle()) controller.abort(new QuorateError(Code.Canceled, "quorate: the peer is gone"));
    });
    answer.then(
      (identity) => {
        if (settle()) decided(checked(peer, identity));
      },
      (thrown: unknown) => {
        if (settle()) decided({ ok: false, error: this.#refusal(thrown) });
      },
    );
  }

  /** A peer learns no more than that something is wrong here, unless somebody wanted it to. */
  #refusal(thrown: unknown): QuorateError {
    // With Ok it would be no refusal to whoever reads the status.
    if (thrown instanceof QuorateError && thrown.code !== Code.Ok) return thrown;
    this.#init.events.emit({ kind: "callbackFailed", callback: "identify", error: thrown });
    const message = "quorate: identify failed";
    return new QuorateError(Code.Internal, message, { reason: "IDENTIFY_FAILED", cause: thrown });
  }

  #tooMany(): QuorateError {
    const { events, maxWaiting } = this.#init;
    events.emit({ kind: "limitReached", limit: "unidentifiedStreams", nodeId: undefined });
    const message = `quorate: ${maxWaiting} streams wait to be identified already (maxUnidentifiedStreams)`;
    return new QuorateError(Code.ResourceExhausted, message, { reason: "TOO_MANY_UNIDENTIFIED" });
  }
}

/** The one place where a claim is held against what was decided. */
function checked({ claim }: ArrivingPeer, identity: Identity): Decision {
  const { nodeId, name } = identity ?? {};
  if (claim.kind !== "node" || nodeId === claim.id) return { ok: true, identity: { nodeId, name } };
  const message = `quorate: this peer may not be node ${claim.id}`;
  return {
    ok: false,
    error: new QuorateError(Code.PermissionDenied, message, { reason: "NODE_ID_DENIED" }),
  };
}

function tooLate(timeoutMs: number): QuorateError {
  const message = `quorate: identify has not decided within ${timeoutMs} ms (identifyTimeoutMs)`;
  return new QuorateError(Code.DeadlineExceeded, message, { reason: "IDENTIFY_TIMEOUT" });
}
