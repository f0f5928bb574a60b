import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { type CancelDeadline, monotonicMs, scheduleDeadline } from "../../../internal/util/deadlines.js";
import { Metadata } from "../../../internal/wire/metadata.js";
import type { RawReply } from "../../calls/raw-call.js";
import type { AwaitedRequest } from "./awaited-request.js";
import type { RequestSender } from "./request-sender.js";
import { decodeKeepAliveAnswer, encodeKeepAlive, sessionServiceNames } from "./session-messages.js";
import type { SessionState } from "./session-state.js";

/** Keeps a session in use at the servers while nothing of it is answered, and takes the limits that they answer. */
export class KeepAlive {
  readonly #state: SessionState;
  readonly #sender: RequestSender;
  readonly #failed: (error: QuorateError) => void;
  /** When the servers used the session last, as far as it is known. */
  #usedMs = 0;
  #timer: CancelDeadline | undefined;
  #isDue = false;

  /** @param failed told of an answer that no server may give. */
  constructor(state: SessionState, sender: RequestSender, failed: (error: QuorateError) => void) {
    this.#state = state;
    this.#sender = sender;
    this.#failed = failed;
  }

  /** The session is bound, and was used by that. */
  start(): void {
    this.stop();
    this.used();
    this.#arm();
  }

  stop(): void {
    this.#isDue = false;
    this.#timer?.();
    this.#timer = undefined;
  }

  /** A server has used the session just now. */
  used(): void {
    this.#isDue = false;
    this.#usedMs = monotonicMs();
  }

  /** What was refused is to be sent once more: a KeepAlive if it is due. */
  resend(): void {
    if (this.#isDue) this.#send();
  }

  // The timer is moved only when it goes off, so that an answer costs no timer.
  #arm(): void {
    const { idleTimeoutMs = Number.POSITIVE_INFINITY } = this.#state.limits ?? {};
    this.#timer = scheduleDeadline(this.#usedMs + idleTimeoutMs / 3, () => this.#expired());
  }

  #expired(): void {
    const { idleTimeoutMs = Number.POSITIVE_INFINITY } = this.#state.limits ?? {};
    if (monotonicMs() >= this.#usedMs + idleTimeoutMs / 3) {
      this.used();
      this.#send();
    }
    this.#arm();
  }

  #send(): void {
    if (!this.#state.isBound) return;
    this.#isDue = true;
    const { client, session } = this.#state.readStamp();
    const payload = encodeKeepAlive({ client, session, respondedTo: this.#state.respondedTo });
    const awaited: AwaitedRequest = {
      method: sessionServiceNames.keepAlive,
      payload,
      metadata: Metadata.empty,
      answered: (reply) => this.#answered(reply),
      failed: () => {},
    };
    this.#sender.send(awaited, undefined, Metadata.empty);
  }

  #answered({ payload, error }: RawReply): void {
    if (error !== undefined || !this.#state.isBound) return;
    this.used();
    try {
      this.#state.updateLimits(decodeKeepAliveAnswer(payload));
    } catch (thrown) {
      this.#failed(QuorateError.from(thrown));
    }
  }
}
