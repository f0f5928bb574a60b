import { Code } from "../../../internal/errors/code.js";
import { abortError } from "../../../internal/errors/quorate-error.js";
import type {
  CommitLog,
  LogEntry,
  LogSnapshot,
  LogWaitOptions,
} from "../../../src/sessions/commit-log/commit-log.js";
import {
  AppendError,
  type AppendOutcome,
  logClosed,
  logUnavailable,
  notAppended,
} from "../../../src/sessions/commit-log/log-errors.js";
import { type Faults, pause } from "./faults.js";

/**
 * A handle on a log that is far away: everything takes time, appends fail and nobody knows whether they did, readers lag
 * behind. It keeps to what `CommitLog` promises.
 */
export class FaultLog implements CommitLog {
  readonly maxEntryBytes: number;
  readonly #inner: CommitLog;
  readonly #faults: Faults;
  /** No more is asked of it. */
  #refusing = false;
  /** What still waits ends. */
  readonly #closed = new AbortController();
  /** Entries go in one after another, in the order of the calls. */
  #last: Promise<unknown> = Promise.resolve();
  /** Until when nothing is read. */
  #stalledUntil = 0;
  readonly #readMs: number;
  #isCrashed = false;
  #appendsLost = false;
  #reachable = false;

  constructor(inner: CommitLog, faults: Faults) {
    this.#inner = inner;
    this.#faults = faults;
    this.maxEntryBytes = inner.maxEntryBytes;
    this.#readMs = faults.pick([0, 2, 15]);
  }

  /** The process is gone: whatever is heard of it says nothing. */
  get isCrashed(): boolean {
    return this.#isCrashed;
  }

  /** Reads nothing for so many milliseconds. */
  stall(ms: number): void {
    this.#stalledUntil = performance.now() + ms;
  }

  /**
   * Ends it as a crash of the process does: nobody is told anything any more. Of the appends that were under way the
   * first ones are in, and the others are lost, or get in later.
   */
  crash(): void {
    this.#refusing = true;
    this.#isCrashed = true;
    this.#appendsLost = this.#faults.integer(0, 1) === 0;
    this.#closed.abort();
    void this.#last.then(() => this.#inner.close());
  }

  async genesis(proposal: Uint8Array): Promise<Uint8Array> {
    await this.#wait(3);
    if (this.#faults.happens("log not reached at the start", 0.1))
      throw logUnavailable("no answer of the log");
    this.#reachable = true;
    return this.#inner.genesis(proposal);
  }

  append(entry: Uint8Array): Promise<number> {
    if (this.#refusing) return Promise.reject(notAppended(logClosed()));
    const fate = this.#fate();
    const before = this.#last;
    const arriving = this.#arrive(before, entry, fate);
    // What comes later waits until it is known whether this one is in.
    this.#last = arriving.catch(() => {});
    return this.#answer(arriving, fate);
  }

  async tail({ signal }: LogWaitOptions = {}): Promise<number> {
    await this.#wait(3, signal);
    if (this.#faults.happens("tail failed", 0.03)) throw logUnavailable("no answer of the log");
    const op = await this.#inner.tail(signal === undefined ? {} : { signal });
    await this.#wait(3, signal);
    return op;
  }

  entries(from: number, options: LogWaitOptions = {}): AsyncIterable<LogEntry> {
    return this.#delayed(this.#inner.entries(from, options), options.signal);
  }

  async saveSnapshot(op: number, bytes: Uint8Array): Promise<boolean> {
    await this.#wait(10);
    if (this.#faults.happens("snapshot not saved", 0.2)) throw logUnavailable("no answer of the log");
    return this.#inner.saveSnapshot(op, bytes);
  }

  async loadSnapshot(): Promise<LogSnapshot | undefined> {
    await this.#wait(10);
    if (this.#faults.happens("snapshot not loaded", 0.1)) throw logUnavailable("no answer of the log");
    return this.#inner.loadSnapshot();
  }

  async close(): Promise<void> {
    this.#refusing = true;
    await this.#last;
    this.#closed.abort();
    await this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #fate(): Fate {
    // Without a genesis the log refuses, which is not for this handle to decide.
    if (!this.#reachable) return "in";
    const faults = this.#faults;
    if (faults.happens("append refused", 0.02)) return "refused";
    if (faults.happens("append unknown, entry in", 0.02)) return "unknown, in";
    if (faults.happens("append unknown, entry in later", 0.02)) return "unknown, in later";
    return faults.happens("append unknown, entry not in", 0.02) ? "unknown, not in" : "in";
  }

  /** Puts it into the log, or not. */
  async #arrive(before: Promise<unknown>, entry: Uint8Array, fate: Fate): Promise<number | undefined> {
    await before;
    await pause(this.#faults.between(0, fate === "unknown, in later" ? 300 : 2));
    if (this.#appendsLost || fate === "refused" || fate === "unknown, not in") return undefined;
    return this.#inner.append(entry);
  }

  async #answer(arriving: Promise<number | undefined>, fate: Fate): Promise<number> {
    if (fate === "unknown, in later") {
      arriving.catch(() => {});
      await pause(this.#faults.between(0, 2), this.#closed.signal);
      throw failed("unknown");
    }
    const op = await arriving;
    await pause(this.#faults.between(0, 3), this.#closed.signal);
    if (op === undefined || fate !== "in") throw failed(fate === "refused" ? "not-appended" : "unknown");
    return op;
  }

  async *#delayed(
    entries: AsyncIterable<LogEntry>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<LogEntry> {
    for await (const entry of entries) {
      if (this.#readMs > 0) await pause(this.#faults.between(0, this.#readMs), this.#closed.signal);
      await this.#stallEnds(signal);
      if (this.#closed.signal.aborted || signal?.aborted) return;
      if (this.#faults.happens("reading failed", 0.01)) throw logUnavailable("the log has broken off");
      yield entry;
    }
  }

  async #stallEnds(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const leftMs = this.#stalledUntil - performance.now();
      if (leftMs <= 0 || this.#closed.signal.aborted || signal?.aborted) return;
      await pause(Math.min(50, leftMs), this.#closed.signal);
    }
  }

  async #wait(maxMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#refusing) throw logClosed();
    await pause(this.#faults.between(0, maxMs), this.#closed.signal);
    if (this.#closed.signal.aborted) throw logClosed();
    if (signal?.aborted) throw abortError(signal.reason);
  }
}

type Fate = "in" | "refused" | "unknown, in" | "unknown, in later" | "unknown, not in";

function failed(outcome: AppendOutcome): AppendError {
  return new AppendError(outcome, Code.Unavailable, "no answer of the log", { reason: "LOG_UNAVAILABLE" });
}
