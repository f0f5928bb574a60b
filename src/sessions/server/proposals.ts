import { randomBytes } from "node:crypto";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { outsideScopes } from "../../../internal/util/async-scope.js";
import { idBytes } from "../client-id.js";
import type { CommitLog } from "../commit-log/commit-log.js";
import { AppendError } from "../commit-log/log-errors.js";
import { toHex } from "../hex.js";
import { decodeLogRecord } from "../record/decode-log-record.js";
import { encodeLogRecord } from "../record/encode-log-record.js";
import type { Entry, LogRecord } from "../record/log-record.js";
import { ownCounter } from "./entry-id.js";
import type { ProposalListener } from "./session-log-types.js";

/** What the proposals of a server go through. */
export interface ProposalsInit {
  readonly log: CommitLog;
  readonly nowMs: () => number;
  /** An append failed; told once for those that failed with one error. */
  readonly failed?: ((error: QuorateError) => void) | undefined;
  /** An append was answered with DataLoss: the log is not what it was. Called after the listener. */
  readonly lost: (error: QuorateError) => void;
}

/** A proposal whose entry was not seen yet. */
export interface Proposal {
  readonly counter: number;
  /** What its bytes say. */
  readonly record: LogRecord;
  readonly listener: ProposalListener;
}

/**
 * What this process has proposed, by the ids of the entries. Not more is pending than the log takes in before it has
 * answered, and what it yields soon after.
 */
export class Proposals {
  readonly #log: CommitLog;
  readonly #nowMs: () => number;
  readonly #lost: (error: QuorateError) => void;
  readonly #tellFailed: ((error: QuorateError) => void) | undefined;
  #lastFailure: unknown;
  readonly #incarnation: Uint8Array = new Uint8Array(randomBytes(idBytes));
  readonly #incarnationText: string = toHex(this.#incarnation);
  readonly #pending = new Map<number, Proposal>();
  #counter = 0;
  #ended: QuorateError | undefined;

  constructor({ log, nowMs, failed, lost }: ProposalsInit) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#tellFailed = failed;
    this.#lost = lost;
  }

  /** How many are pending. */
  get size(): number {
    return this.#pending.size;
  }

  /** Calls `append` in this turn. The listener is told in a later one. */
  propose(entry: Entry, listener: ProposalListener): void {
    if (this.#ended !== undefined) return notProposed(listener, this.#ended);
    this.#counter += 1;
    const counter = this.#counter;
    const id = { incarnation: this.#incarnationText, counter };
    const record: LogRecord = { id, timestampMs: Math.max(0, Math.floor(this.#nowMs())), entry };
    let bytes: Uint8Array;
    try {
      bytes = encodeLogRecord(record);
      this.#pending.set(counter, { counter, record: asWritten(record, bytes), listener });
    } catch (error) {
      return notProposed(listener, QuorateError.from(error, Code.Internal));
    }
    this.#append(bytes).catch((error: unknown) => this.#failed(counter, error));
  }

  /** The pending proposal that the entry is. */
  find(entry: Uint8Array): Proposal | undefined {
    const counter = ownCounter(entry, this.#incarnation);
    return counter === undefined ? undefined : this.#pending.get(counter);
  }

  /** The entry was applied. */
  applied({ counter }: Proposal): void {
    this.#pending.delete(counter);
  }

  /** Fails what is pending: nobody can tell by its own entry any more. */
  failAll(error: QuorateError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { listener } of pending) listener.failed(error, "unknown");
  }

  /** Fails what is pending and all that comes. */
  end(error: QuorateError): void {
    this.#ended ??= error;
    this.failAll(error);
  }

  /** A log that throws must not do so within `propose`. */
  #append(bytes: Uint8Array): Promise<number> {
    try {
      // What is appended at once is written at once, by whoever comes first.
      return outsideScopes(() => this.#log.append(bytes));
    } catch (error) {
      return Promise.reject(QuorateError.from(error, Code.Unavailable));
    }
  }

  #failed(counter: number, thrown: unknown): void {
    const outcome = thrown instanceof AppendError ? thrown.outcome : "unknown";
    const error = QuorateError.from(thrown, Code.Unavailable);
    const proposal = this.#pending.get(counter);
    this.#pending.delete(counter);
    // It may have been applied all the same, or have failed with the state.
    proposal?.listener.failed(error, outcome);
    // All appends of a batch fail with one error.
    if (thrown !== this.#lastFailure && this.#ended === undefined) this.#tellFailed?.(error);
    this.#lastFailure = thrown;
    if (error.code === Code.DataLoss) this.#lost(error);
  }
}

/**
 * The record as everybody will read it; and what nobody can read must not get into the log, where it stops them all. A
 * Request, of which there are most, was checked when its stamp was read, and is the same when it is read back.
 */
function asWritten(record: LogRecord, bytes: Uint8Array): LogRecord {
  return record.entry.kind === "request" ? record : decodeLogRecord(bytes);
}

function notProposed(listener: ProposalListener, error: QuorateError): void {
  queueMicrotask(() => listener.failed(error, "not-appended"));
}
