import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { outsideScopes } from "../../../internal/util/async-scope.js";
import { Fifo } from "../../../internal/util/fifo.js";
import { checkEntry } from "./check-entry.js";
import { AppendError, logClosed, notAppended } from "./log-errors.js";

/** Bounds of an {@link AppendQueue}. */
export interface AppendQueueLimits {
  readonly maxEntryBytes: number;
  /** Appends that wait while a batch is written. */
  readonly maxWaitingAppends: number;
  /** Bytes of those. */
  readonly maxWaitingBytes: number;
  /** Bytes of the entries of one batch; one entry alone may have more. */
  readonly maxBatchBytes: number;
  /** Entries of one batch. */
  readonly maxBatchEntries: number;
}

/**
 * Makes the batch durable and resolves with the positions of its entries. An AppendError that it rejects with is the
 * answer to all appends of the batch; anything else stands for an unknown outcome.
 */
export type WriteBatch = (entries: readonly Uint8Array[]) => Promise<(index: number) => number>;

interface Waiting {
  readonly entry: Uint8Array;
  readonly resolve: (op: number) => void;
  readonly reject: (error: AppendError) => void;
}

/**
 * Group commit: the appends of one turn of the event loop, and those that came while a batch was written, make up the
 * next batch. One batch is written at a time, in the order of the calls.
 */
export class AppendQueue {
  readonly #limits: AppendQueueLimits;
  readonly #write: WriteBatch;
  readonly #waiting = new Fifo<Waiting>();
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(limits: AppendQueueLimits, write: WriteBatch) {
    this.#limits = limits;
    this.#write = write;
  }

  /** See `CommitLog.append`. */
  append(entry: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      try {
        if (this.#closed) throw logClosed();
        checkEntry(entry, this.#limits.maxEntryBytes);
        this.#checkRoom(entry.byteLength);
      } catch (error) {
        throw notAppended(error as QuorateError);
      }
      this.#waiting.push({ entry, resolve, reject });
      this.#waitingBytes += entry.byteLength;
      this.#running ??= outsideScopes(() => this.#run());
    });
  }

  /** Resolves when all appends that were called before are settled; later ones are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Whoever was woken by the last batch may append in this turn.
      await new Promise((resolve) => setImmediate(resolve));
      const batch = this.#take();
      try {
        const opAt = await this.#write(batch.map(({ entry }) => entry));
        batch.forEach(({ resolve }, index) => resolve(opAt(index)));
      } catch (error) {
        const failure = error instanceof AppendError ? error : unknownOutcome(error);
        for (const { reject } of batch) reject(failure);
      }
    }
    this.#running = undefined;
  }

  #take(): Waiting[] {
    const { maxBatchBytes, maxBatchEntries } = this.#limits;
    const batch: Waiting[] = [];
    let bytes = 0;
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      bytes += next.entry.byteLength;
      if (batch.length > 0 && (bytes > maxBatchBytes || batch.length >= maxBatchEntries)) break;
      this.#waiting.shift();
      this.#waitingBytes -= next.entry.byteLength;
      batch.push(next);
    }
    return batch;
  }

  #checkRoom(bytes: number): void {
    const { maxWaitingAppends, maxWaitingBytes } = this.#limits;
    if (this.#waiting.length === 0) return;
    if (this.#waiting.length < maxWaitingAppends && this.#waitingBytes + bytes <= maxWaitingBytes) return;
    throw new QuorateError(
      Code.ResourceExhausted,
      `quorate: ${this.#waiting.length} appends of ${this.#waitingBytes} bytes wait for the commit log already`,
      { reason: "LOG_QUEUE_FULL" },
    );
  }
}

function unknownOutcome(cause: unknown): AppendError {
  return new AppendError("unknown", Code.Unavailable, "it is not known whether the entry was appended", {
    reason: "LOG_UNAVAILABLE",
    cause,
  });
}
