import type { QuorateError } from "../errors/quorate-error.js";
import type { StreamStatus } from "./bidi-stream.js";
import type { Channel } from "./channel.js";
import { PeerStream, type PeerStreamInit } from "./peer-stream.js";
import type { PendingCall } from "./pending-call.js";
import { SendQueue, type SendQueueLimits } from "./send-queue.js";
import { channelClosed, sendQueueFull, streamGone, streamLost } from "./stream-failure.js";

/** What a {@link StreamChannel} is made of. */
export interface StreamChannelInit extends Omit<PeerStreamInit, "queue" | "limits"> {
  /** Names the peer in errors. */
  readonly peer: string;
  readonly limits: PeerStreamInit["limits"] & SendQueueLimits;
}

/**
 * The channel on one stream and no other: an accepted stream, or the way of a node to itself. When the stream ends,
 * all its calls fail; whoever comes back has a new channel (LC-18).
 */
export class StreamChannel implements Channel {
  readonly #init: StreamChannelInit;
  readonly #queue: SendQueue;
  readonly stream: PeerStream;
  #over: QuorateError | undefined;

  constructor(init: StreamChannelInit) {
    this.#init = init;
    this.#queue = new SendQueue(init.limits);
    this.stream = new PeerStream({
      ...init,
      queue: this.#queue,
      observer: {
        ...init.observer,
        ended: (status, sent, dropped) => {
          // The owner first, so that a caller that learns of it finds the peer gone.
          this.#over ??= streamLost(init.peer, status);
          init.observer.ended(status, sent, dropped);
          this.#failAll(this.#over, sent);
        },
      },
    });
  }

  get connected(): boolean {
    return this.#over === undefined;
  }

  get inbound(): boolean {
    return this.#init.side === "accepting";
  }

  get lastError(): QuorateError | undefined {
    return this.#over;
  }

  get pendingCalls(): number {
    return this.#queue.calls + this.stream.pendingCalls;
  }

  send(call: PendingCall): void {
    if (this.#over !== undefined) {
      call.fail(this.#over);
    } else if (call.onStream !== undefined && call.onStream !== this.stream) {
      call.fail(streamGone(this.#init.peer));
    } else if (!this.#queue.pushCall(call)) {
      this.#init.observer.limitReached("sendQueue");
      call.fail(sendQueueFull(this.#init.peer));
    } else {
      this.stream.pump();
    }
  }

  withdraw(call: PendingCall, tellPeer: boolean): void {
    if (call.state !== "queued") {
      this.stream.withdraw(call, tellPeer);
      return;
    }
    this.#queue.remove(call);
    this.stream.pump();
  }

  /** Takes no more calls, fails those that are pending with `CLOSED`, and ends the stream behind what waits. */
  close(status: StreamStatus): void {
    this.#closeCalls();
    this.stream.end(status);
  }

  /** As {@link close}, at once: nothing that the stream tells counts any more. */
  cancel(status: StreamStatus): void {
    this.#closeCalls();
    this.stream.cancel(status);
  }

  #closeCalls(): void {
    this.#over ??= channelClosed(this.#init.peer);
    this.#failAll(this.#over, []);
    this.stream.failCalls(this.#over);
  }

  #failAll(error: QuorateError, sent: readonly PendingCall[]): void {
    for (const call of [...sent, ...this.#queue.takeCalls(() => true)]) call.fail(error);
  }
}
