import { Fifo } from "../util/fifo.js";
import { envelopeSize } from "../wire/encode-envelope.js";
import type { PendingCall } from "./pending-call.js";

/** The bounds of what waits to be sent to one peer. Replies do not count: each holds the place of its request. */
export interface SendQueueLimits {
  /** Calls that wait. */
  readonly maxQueuedCalls: number;
  /** Bytes of their envelopes. */
  readonly maxQueuedCallBytes: number;
}

/** A message that answers or cancels: it belongs to one stream, and goes ahead of all calls. */
export interface QueuedReply {
  readonly bytes: Uint8Array;
  /** Called when the transport has taken it, or its stream has ended, whichever is first (J-18). */
  readonly settled: () => void;
}

/** What to send next. */
export type NextToSend =
  | { readonly kind: "reply"; readonly reply: QueuedReply }
  | { readonly kind: "call"; readonly call: PendingCall };

/**
 * What waits to be sent to one peer, in the order: replies and cancels, resends, calls; each first in, first out.
 *
 * Calls outlive a stream, replies do not.
 */
export class SendQueue {
  readonly #limits: SendQueueLimits;
  readonly #replies = new Fifo<QueuedReply>();
  readonly #resends = new Fifo<PendingCall>();
  readonly #calls = new Fifo<PendingCall>();
  #waiting = 0;
  #bytes = 0;

  constructor(limits: SendQueueLimits) {
    this.#limits = limits;
  }

  /** Calls that wait. */
  get calls(): number {
    return this.#waiting;
  }

  /** Bytes of the calls that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Replies and cancels that wait. */
  get replies(): number {
    return this.#replies.length;
  }

  pushReply(reply: QueuedReply): void {
    this.#replies.push(reply);
  }

  /** Queues a call; false, and nothing is queued, if a bound is reached. */
  pushCall(call: PendingCall): boolean {
    const size = sizeOf(call);
    if (
      this.#waiting >= this.#limits.maxQueuedCalls ||
      this.#bytes + size > this.#limits.maxQueuedCallBytes
    ) {
      return false;
    }
    this.#enter(call, this.#calls);
    return true;
  }

  /**
   * Queues calls again that a lost stream had taken, ahead of new ones. No bound: they held their place before.
   * @param calls in the order of their numbers
   */
  pushResends(calls: readonly PendingCall[]): void {
    // What an earlier loss left here was sent before these, or is among them in its place.
    const left = this.#resends.drain().filter((call) => call.state === "queued");
    const all = [...left, ...calls].sort((a, b) => a.number - b.number);
    for (const call of calls) this.#count(call, 1);
    for (const call of all) {
      call.state = "queued";
      this.#resends.push(call);
    }
  }

  /** Takes out what is next; undefined if nothing waits. */
  next(): NextToSend | undefined {
    const reply = this.#replies.shift();
    if (reply !== undefined) return { kind: "reply", reply };
    for (const lane of [this.#resends, this.#calls]) {
      for (let call = lane.shift(); call !== undefined; call = lane.shift()) {
        // Withdrawn calls stay in the lane until they are met or swept.
        if (call.state !== "queued") continue;
        this.#count(call, -1);
        return { kind: "call", call };
      }
    }
    return undefined;
  }

  /** Takes a queued call out of the count; its maker ends it. */
  remove(call: PendingCall): void {
    this.#count(call, -1);
    call.state = "made";
    for (const lane of [this.#resends, this.#calls]) {
      if (lane.length > 64 && lane.length > 2 * this.#waiting) lane.retain((one) => one.state === "queued");
    }
  }

  /** Takes out and returns the calls for which `wanted` is true, resends first. */
  takeCalls(wanted: (call: PendingCall) => boolean): PendingCall[] {
    const taken: PendingCall[] = [];
    for (const lane of [this.#resends, this.#calls]) {
      lane.retain((call) => {
        if (call.state !== "queued") return false;
        if (!wanted(call)) return true;
        this.#count(call, -1);
        // Nothing to withdraw from here: the end of one of them may make its maker end another.
        call.state = "made";
        taken.push(call);
        return false;
      });
    }
    return taken;
  }

  /** Takes out and returns the replies of a stream that ended; its owner settles them. */
  dropReplies(): QueuedReply[] {
    return this.#replies.drain();
  }

  #enter(call: PendingCall, lane: Fifo<PendingCall>): void {
    this.#count(call, 1);
    call.state = "queued";
    lane.push(call);
  }

  #count(call: PendingCall, sign: 1 | -1): void {
    this.#waiting += sign;
    this.#bytes += sign * sizeOf(call);
  }
}

/** With the most that number and deadline can add, so that the size does not depend on when it is sent. */
function sizeOf(call: PendingCall): number {
  return envelopeSize(call.number, true, call.body, 0xffffffff);
}
