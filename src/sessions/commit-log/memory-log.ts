import { abortError, type QuorateError } from "../../../internal/errors/quorate-error.js";
import { checkEntry, checkSnapshotOp, noGenesis } from "./check-entry.js";
import type { CommitLog, LogEntry, LogSnapshot, LogWaitOptions } from "./commit-log.js";
import { followEntries } from "./follow-entries.js";
import { LogTruncated, logClosed, notAppended } from "./log-errors.js";
import { type LogLimitOptions, maxEntryBytesOf, positiveCount } from "./log-options.js";
import { LogTail } from "./log-tail.js";

/** How a log in memory is made. */
export interface MemoryLogOptions extends LogLimitOptions {
  /**
   * The distance from one position to the next; default 1. A larger one shows whoever takes positions for contiguous.
   */
  readonly opStep?: number;
}

/** What several handles share, of one server after the other or of several at once. Lasts as long as it is held. */
export interface MemoryLogStore {
  /** Another handle on the same log. */
  open(): CommitLog;
}

/**
 * A log that lasts as long as its process: for tests, and for state that may be lost. An append is acknowledged at once,
 * an entry is kept until a snapshot at or above it is stored.
 */
export function createMemoryLog(options?: MemoryLogOptions): CommitLog {
  return createMemoryLogStore(options).open();
}

/** A log in memory that several handles can be opened on. Throws InvalidArgument for options that are wrong. */
export function createMemoryLogStore(options: MemoryLogOptions = {}): MemoryLogStore {
  const store = new Store(maxEntryBytesOf(options), positiveCount("opStep", options.opStep, 1));
  return { open: () => new MemoryLog(store) };
}

class Store {
  readonly maxEntryBytes: number;
  genesis: Uint8Array | undefined;
  snapshot: LogSnapshot | undefined;
  /** The position of the last entry that was forgotten. */
  floor = 0;
  op = 0;
  readonly #step: number;
  #entries: LogEntry[] = [];
  readonly #tails = new Set<LogTail>();

  constructor(maxEntryBytes: number, step: number) {
    this.maxEntryBytes = maxEntryBytes;
    this.#step = step;
  }

  /** A tail that ends with its handle. */
  attach(): LogTail {
    const tail = new LogTail(this.op);
    this.#tails.add(tail);
    return tail;
  }

  detach(tail: LogTail): void {
    this.#tails.delete(tail);
    tail.end();
  }

  append(entry: Uint8Array): number {
    this.op += this.#step;
    this.#entries.push({ op: this.op, entry });
    for (const tail of this.#tails) tail.advance(this.op);
    return this.op;
  }

  /** The first entry above a position that is not below the floor. */
  after(op: number): LogEntry | undefined {
    return this.#entries[Math.floor((op - this.floor) / this.#step)];
  }

  save(snapshot: LogSnapshot): boolean {
    if (this.snapshot !== undefined && this.snapshot.op >= snapshot.op) return false;
    this.snapshot = snapshot;
    this.#entries = this.#entries.filter(({ op }) => op > snapshot.op);
    this.floor = Math.floor(snapshot.op / this.#step) * this.#step;
    return true;
  }
}

class MemoryLog implements CommitLog {
  readonly maxEntryBytes: number;
  readonly #store: Store;
  readonly #tail: LogTail;
  #hasGenesis = false;

  constructor(store: Store) {
    this.maxEntryBytes = store.maxEntryBytes;
    this.#store = store;
    this.#tail = store.attach();
  }

  async genesis(proposal: Uint8Array): Promise<Uint8Array> {
    this.#checkOpen();
    checkEntry(proposal, this.maxEntryBytes, "genesis");
    this.#hasGenesis = true;
    this.#store.genesis ??= proposal;
    return this.#store.genesis;
  }

  async append(entry: Uint8Array): Promise<number> {
    try {
      this.#checkOpen();
      if (!this.#hasGenesis) throw noGenesis();
      checkEntry(entry, this.maxEntryBytes);
    } catch (error) {
      throw notAppended(error as QuorateError);
    }
    return this.#store.append(entry);
  }

  async tail({ signal }: LogWaitOptions = {}): Promise<number> {
    this.#checkOpen();
    if (signal?.aborted) throw abortError(signal.reason);
    return this.#store.op;
  }

  entries(from: number, { signal }: LogWaitOptions = {}): AsyncIterable<LogEntry> {
    return followEntries(from, signal, (first, ended) => this.#read(first, ended));
  }

  async saveSnapshot(op: number, bytes: Uint8Array): Promise<boolean> {
    this.#checkOpen();
    checkSnapshotOp(op, this.#store.op);
    return this.#store.save({ op, bytes });
  }

  async loadSnapshot(): Promise<LogSnapshot | undefined> {
    this.#checkOpen();
    return this.#store.snapshot;
  }

  async close(): Promise<void> {
    this.#store.detach(this.#tail);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async *#read(from: number, signal: AbortSignal): AsyncGenerator<LogEntry, undefined, undefined> {
    let position = from;
    const unlisten = this.#tail.wakeOn(signal);
    try {
      while (!signal.aborted && !this.#tail.ended) {
        if (position < this.#store.floor) throw new LogTruncated(position, this.#store.floor);
        const next = this.#store.after(position);
        if (next === undefined) {
          await this.#tail.waitBeyond(position, signal);
          continue;
        }
        position = next.op;
        yield next;
      }
    } finally {
      unlisten();
    }
  }

  #checkOpen(): void {
    if (this.#tail.ended) throw logClosed();
  }
}
