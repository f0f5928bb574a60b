import { Code } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";
import { monotonicMs } from "../util/deadlines.js";
import { encodeEnvelope } from "../wire/encode-envelope.js";
import type { BidiStream, StreamStatus } from "./bidi-stream.js";
import type { PendingCall } from "./pending-call.js";
import type { NextToSend, QueuedReply, SendQueue } from "./send-queue.js";

/** What a {@link StreamWriter} asks and tells its stream. */
export interface WriterOwner {
  /** Whether calls of this side carry the high bit. */
  readonly serverInitiated: boolean;
  /** Whether the peer takes `timeout_ms`. */
  takesDeadlines(): boolean;
  /** A call is about to be written, and waits for replies from then on. */
  register(call: PendingCall): void;
  /** Something was written, or a call ended unwritten. */
  progressed(): void;
}

/** What a stream that ended has not written. */
export interface Unwritten {
  /** The call that was being written, unless it is over too. */
  readonly call: PendingCall | undefined;
  /** The replies that were being written or waited; to be settled. */
  readonly replies: readonly QueuedReply[];
}

/** Writes what waits in a send queue to one stream, one message at a time, so that the queue keeps the order. */
export class StreamWriter {
  readonly #stream: BidiStream;
  readonly #queue: SendQueue;
  readonly #owner: WriterOwner;
  #writing: NextToSend | undefined;
  #pumping = false;
  #ending: StreamStatus | undefined;
  #over = false;

  constructor(stream: BidiStream, queue: SendQueue, owner: WriterOwner) {
    this.#stream = stream;
    this.#queue = queue;
    this.#owner = owner;
  }

  /** Whether a message is being written, or a reply waits to be. */
  get busy(): boolean {
    return this.#writing !== undefined || this.#queue.replies > 0;
  }

  /** A one-way call that is being written and still waits for that. */
  get oneWayCall(): PendingCall | undefined {
    const call = this.#callBeingWritten();
    return call?.replies === "none" ? call : undefined;
  }

  /** Writes what is queued, as far as the transport takes it. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#writing === undefined && !this.#over) {
      const next = this.#ending === undefined || this.#queue.replies > 0 ? this.#queue.next() : undefined;
      if (next === undefined) break;
      if (next.kind === "reply") this.#write(next, next.reply.bytes, next.reply.settled);
      else this.#writeCall(next, next.call);
    }
    this.#pumping = false;
    if (this.#ending !== undefined && !this.busy && !this.#over) {
      this.#over = true;
      this.#stream.end(this.#ending);
    }
  }

  /** Ends the stream behind the replies and cancels that wait; no further call is written. */
  end(status: StreamStatus): void {
    this.#ending ??= status;
    this.pump();
  }

  /** The stream is over. */
  stop(): Unwritten {
    this.#over = true;
    const call = this.#callBeingWritten();
    const replies = this.#queue.dropReplies();
    if (this.#writing?.kind === "reply") replies.unshift(this.#writing.reply);
    this.#writing = undefined;
    return { call, replies };
  }

  #callBeingWritten(): PendingCall | undefined {
    if (this.#writing?.kind !== "call" || this.#writing.call.state !== "sent") return undefined;
    return this.#writing.call;
  }

  #writeCall(next: NextToSend, call: PendingCall): void {
    const leftMs = Math.ceil(call.deadline - monotonicMs());
    if (leftMs <= 0) {
      call.fail(
        new QuorateError(Code.DeadlineExceeded, "quorate: the deadline passed before the call was sent"),
      );
      this.#owner.progressed();
      return;
    }
    // 0 leaves it out: no deadline, one too far for the field, or a peer that does not take it.
    const timeoutMs = this.#owner.takesDeadlines() && leftMs <= 0x7fffffff ? leftMs : 0;
    call.deadlineSent = timeoutMs > 0;
    call.state = "sent";
    call.sends += 1;
    const awaitsReply = call.replies !== "none" && !call.forgotten;
    if (awaitsReply) this.#owner.register(call);
    const bytes = encodeEnvelope(call.number, this.#owner.serverInitiated, call.body, timeoutMs);
    this.#write(next, bytes, () => {
      call.confirmWritten();
      if (!awaitsReply) call.finish();
    });
  }

  #write(next: NextToSend, bytes: Uint8Array, done: () => void): void {
    this.#writing = next;
    this.#stream.write(bytes, () => {
      if (this.#writing !== next) return;
      this.#writing = undefined;
      done();
      this.#owner.progressed();
      this.pump();
    });
  }
}
