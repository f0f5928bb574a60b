import { Code } from "../../../internal/errors/code.js";
import type { CommitLog, LogEntry } from "../../../src/sessions/commit-log/commit-log.js";
import { AppendError, type AppendOutcome } from "../../../src/sessions/commit-log/log-errors.js";
import { decodeLogRecord } from "../../../src/sessions/record/decode-log-record.js";
import type { Entry } from "../../../src/sessions/record/log-record.js";
import { FaultyLog, type Gate, newGate, slowed } from "./faulty-log.js";

/** Ends what it was made for: a hold or a fault. */
export type Release = () => void;

/** How appends fail. */
export interface AppendFaults {
  readonly times?: number;
  readonly reaches?: boolean;
  readonly when?: Promise<void>;
}

/** One server's handle on a log, whose appends, entries and tails a test holds back or fails. */
export class LogControl {
  readonly log: FaultyLog;
  /** What this server has tried to append, in the order of the calls. */
  readonly appended: Entry[] = [];
  /** How often it has asked for the tail. */
  tails = 0;
  #append: ((real: () => Promise<number>) => Promise<number>) | undefined;
  /** How many entries may still be applied. */
  #allowed = Number.POSITIVE_INFINITY;
  #more: Gate<void> | undefined;
  #tail: (() => Promise<void>) | undefined;

  constructor(real: CommitLog) {
    this.log = new FaultyLog(real, {
      append: (append, bytes) => {
        this.appended.push(decodeLogRecord(bytes).entry);
        return this.#append?.(append) ?? append();
      },
      tail: async (tail) => {
        this.tails += 1;
        // What the log answers is of the moment when it is asked; the answer is on its way then.
        const answer = await tail();
        await this.#tail?.();
        return answer;
      },
      entries: slowed(() => this.#nextEntry()),
    });
  }

  /** The kinds of what was appended. */
  get kinds(): string[] {
    return this.appended.map(({ kind }) => kind);
  }

  /** Appends wait before they reach the log; they keep their order. */
  holdAppends(): Release {
    const gate = newGate();
    this.#append = async (append) => {
      await gate.promise;
      return append();
    };
    return () => {
      this.#append = undefined;
      gate.open();
    };
  }

  /**
   * Appends fail, until released: so many at most, if a number is given, and not before `when` resolves. With `reaches`
   * they are in the log all the same.
   */
  failAppends(
    outcome: AppendOutcome,
    { times = Infinity, reaches = false, when = Promise.resolve() }: AppendFaults = {},
  ): Release {
    let left = times;
    this.#append = async (append) => {
      if (left <= 0) return append();
      left -= 1;
      if (reaches) await append();
      await when;
      throw new AppendError(outcome, Code.Unavailable, "the disk is gone", { reason: "LOG_UNAVAILABLE" });
    };
    return () => {
      this.#append = undefined;
    };
  }

  /** Appends reach the log, but are said to be durable only when released. */
  delayAcknowledgements(): Release {
    const gate = newGate();
    this.#append = async (append) => {
      const op = await append();
      await gate.promise;
      return op;
    };
    return () => {
      this.#append = undefined;
      gate.open();
    };
  }

  /** This server applies nothing more, until released: it lags behind the others. */
  holdEntries(): Release {
    this.#allow(0);
    return () => this.#allow(Number.POSITIVE_INFINITY);
  }

  /** Lets so many entries through, of those that are held back. */
  letThrough(count: number): void {
    this.#allow(this.#allowed + count);
  }

  /** Tails are answered late, with what they were when they were asked for. */
  holdTail(): Release {
    const gate = newGate();
    this.#tail = () => gate.promise;
    return () => {
      this.#tail = undefined;
      gate.open();
    };
  }

  #allow(count: number): void {
    this.#allowed = count;
    this.#more?.open();
    this.#more = newGate();
  }

  async #nextEntry(): Promise<void> {
    while (this.#allowed <= 0) await this.#more?.promise;
    this.#allowed -= 1;
  }

  /** Tails fail, until released. */
  failTail(): Release {
    this.#tail = () => Promise.reject(new Error("the log does not answer"));
    return () => {
      this.#tail = undefined;
    };
  }
}

/** All entries that the log has kept, as of now. */
export async function entriesOf(log: CommitLog): Promise<LogEntry[]> {
  const tail = await log.tail();
  const entries: LogEntry[] = [];
  for await (const entry of log.entries(0)) {
    entries.push(entry);
    if (entry.op >= tail) break;
  }
  return entries;
}
