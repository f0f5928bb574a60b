import { Code } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";
import type { Envelope } from "../wire/envelope.js";
import { messageTooLarge } from "./message-size.js";
import type { PendingCall } from "./pending-call.js";

/** Which end of a stream this is: the one that dialled, or the one that accepted. */
export type Side = "dialling" | "accepting";

/** Where the {@link MessageRouter} hands what is no reply to a pending call. */
export interface RouterTargets {
  /** A request of the peer. `size` is the bytes of its envelope. */
  request(envelope: Envelope, size: number): void;
  /** The peer no longer waits for its request of this number. */
  cancel(number: number): void;
  /** A reply to a call that is over; it is dropped. */
  lateReply(envelope: Envelope): void;
  /** A reply is above the limit; its call has failed. */
  replyTooLarge(): void;
}

/**
 * Tells replies from requests on one stream, and keeps the calls of this side that wait for replies on it.
 *
 * The high bit of the number decides (F-07): the dialling side sends requests without it, the accepting side with
 * it, and a reply repeats the number of its request. On a stream whose peer offered no way back we make no calls,
 * so there every message is a request (F-09).
 */
export class MessageRouter {
  readonly #side: Side;
  readonly #callable: boolean;
  readonly #maxMessageBytes: number;
  readonly #targets: RouterTargets;
  readonly #pending = new Map<number, PendingCall>();

  constructor(side: Side, callable: boolean, maxMessageBytes: number, targets: RouterTargets) {
    this.#side = side;
    this.#callable = callable;
    this.#maxMessageBytes = maxMessageBytes;
    this.#targets = targets;
  }

  /** Calls that wait for replies on this stream. */
  get pendingCalls(): number {
    return this.#pending.size;
  }

  /** Whether calls that this side makes carry the high bit. */
  get serverInitiated(): boolean {
    return this.#side === "accepting";
  }

  /** Enters a call that is about to be sent. */
  register(call: PendingCall): void {
    this.#pending.set(call.number, call);
  }

  /** Removes a call; false if it was not here. */
  remove(call: PendingCall): boolean {
    return this.#pending.get(call.number) === call && this.#pending.delete(call.number);
  }

  /** Removes and returns all calls, in the order of their numbers. */
  drain(): PendingCall[] {
    const calls = [...this.#pending.values()].sort((a, b) => a.number - b.number);
    this.#pending.clear();
    return calls;
  }

  /** Hands one message to where it belongs. `size` is the bytes of its envelope. */
  route(envelope: Envelope, size: number): void {
    const isReply = this.#callable && envelope.serverInitiated === this.serverInitiated;
    if (envelope.cancel) {
      if (!isReply) this.#targets.cancel(envelope.number);
      return;
    }
    if (!isReply) {
      this.#targets.request(envelope, size);
      return;
    }
    const call = this.#pending.get(envelope.number);
    if (call === undefined) {
      this.#targets.lateReply(envelope);
      return;
    }
    if (size > this.#maxMessageBytes) {
      this.#pending.delete(envelope.number);
      call.fail(messageTooLarge("reply", size, this.#maxMessageBytes));
      this.#targets.replyTooLarge();
      return;
    }
    // An error is the last of many replies, too.
    const last = call.replies === "one" || envelope.end || (envelope.status?.code ?? Code.Ok) !== Code.Ok;
    if (last) this.#pending.delete(envelope.number);
    if (envelope.end) {
      endReplies(call);
      return;
    }
    call.reply(envelope);
    if (last) call.finish();
  }
}

function endReplies(call: PendingCall): void {
  if (call.replies === "many") call.complete();
  else call.fail(new QuorateError(Code.Internal, `quorate: the peer ended ${call.method} without a reply`));
}
