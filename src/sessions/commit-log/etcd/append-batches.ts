import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { Code } from "../../../../internal/errors/code.js";
import { QuorateError } from "../../../../internal/errors/quorate-error.js";
import type { WriteBatch } from "../append-queue.js";
import { AppendError, logRegressed, logUnavailable, notAppended } from "../log-errors.js";
import { encodeBatch } from "./entry-batch.js";
import { EtcdFailure } from "./etcd-client.js";
import { bytesOf, positionOf, readNumber } from "./etcd-keys.js";
import { type TxnResponse, TxnResponseSchema } from "./gen/etcd/rpc_pb.js";
import type { LogParts } from "./log-parts.js";
import {
  checkGenesis,
  get,
  hasValue,
  isBelow,
  isMissing,
  type Operation,
  put,
  readAt,
  revisionOf,
} from "./transactions.js";
import { isFinal, isFull, pauses } from "./until-answered.js";

/**
 * Makes the function that puts a batch into the log, in one transaction, and tries until its fate is known. `closing` ends
 * the trying.
 *
 * The key of a batch is put once, so that a further try finds what an earlier one has put. All tries hold `floor` against
 * the same position, one that was there before the first: a batch that was put, read, snapshotted and deleted while the
 * tries slept has a position above it, and so has `floor` then. It is never put again.
 */
export function batchAppender(parts: LogParts, closing: AbortSignal): WriteBatch {
  let lost: QuorateError | undefined;
  return async (entries) => {
    // What was lost with the log may turn up yet, and nothing that was called later may come before it.
    if (lost !== undefined) throw notAppended(lost);
    if (closing.aborted) throw notAppended(closedEarly());
    const batch = new BatchAppend(parts, entries, closing);
    try {
      const revision = await batch.run();
      parts.known.saw(positionOf(revision, entries.length - 1));
      return (index) => positionOf(revision, index);
    } catch (error) {
      if (error instanceof AppendError && error.code === Code.DataLoss) lost = error;
      throw error;
    }
  };
}

class BatchAppend {
  readonly #parts: LogParts;
  readonly #closing: AbortSignal;
  readonly #key: Uint8Array;
  readonly #value: Uint8Array;
  readonly #count: Uint8Array;
  /** A try was not answered: it may have put the batch, or do so yet. */
  #isUnknown = false;

  constructor(parts: LogParts, entries: readonly Uint8Array[], closing: AbortSignal) {
    this.#parts = parts;
    this.#closing = closing;
    this.#key = parts.keys.batch(randomBytes(16).toString("hex"));
    this.#value = encodeBatch(entries);
    this.#count = bytesOf(String(entries.length));
  }

  /** Resolves with the revision of the batch. Rejects with an AppendError. */
  async run(): Promise<bigint> {
    const { op: before } = this.#parts.known;
    for (let bound = before; ; ) {
      const answer = await this.#answer(bound);
      // What stood in `head`, or else the batch as an earlier try has put it.
      const [found] = readAt(answer, 0);
      const revision = answer.succeeded ? revisionOf(answer) : found?.modRevision;
      if (revision !== undefined) {
        this.#checkAbove(before, revision);
        if (answer.succeeded) this.#tellReaders(found?.modRevision, revision);
        return revision;
      }
      const floor = this.#floorOf(answer);
      // Not put by any try, and with a bound that is higher none of them would do it: so it is as if it had not begun.
      if (this.#isUnknown) throw this.#failed(forgotten());
      bound = floor;
      this.#parts.known.saw(floor);
    }
  }

  /** Readers of this handle that have read the batch before, in `head`, need not wait until etcd tells of this one. */
  #tellReaders(previous: bigint | undefined, modRevision: bigint): void {
    if (previous === undefined) return;
    this.#parts.own.put(previous, { key: this.#key, value: this.#value, modRevision });
  }

  /** Tries until there is an answer. */
  async #answer(bound: number): Promise<TxnResponse> {
    const { client, keys, genesis = new Uint8Array(0) } = this.#parts;
    const transaction = {
      compare: [isMissing(this.#key), hasValue(keys.genesis, genesis), isBelow(keys.floor, bound + 1)],
      success: [get(keys.head, { keysOnly: true }), put(this.#key, this.#value), put(keys.head, this.#count)],
      failure: [get(this.#key), get(keys.genesis), get(keys.floor)],
    };
    const pause = pauses(client);
    while (true) {
      try {
        return await client.transact(transaction, this.#closing);
      } catch (error) {
        if (!(error instanceof EtcdFailure)) {
          // Another cluster has answered, and has carried it out if it holds a copy of this log.
          this.#isUnknown = true;
          throw this.#failed(QuorateError.from(error));
        }
        const found = isFull(error) ? await this.#lookUp(bound, transaction.failure, error) : undefined;
        if (found !== undefined) return found;
        // One that may have been put is tried on: only an answer can tell.
        if (isFinal(error) && !this.#isUnknown) throw this.#refused(error);
        if (error.outcome === "unknown" && !isFull(error)) this.#isUnknown = true;
        if (this.#closing.aborted) throw this.#failed(closedEarly(error));
      }
      await pause(this.#closing);
    }
  }

  /**
   * The answer of the log to a try that found etcd full: the one with which it becomes full is carried out and refused all
   * the same. Undefined if it was not carried out.
   */
  async #lookUp(bound: number, success: Operation[], full: EtcdFailure): Promise<TxnResponse | undefined> {
    const { client } = this.#parts;
    const pause = pauses(client);
    const wasUnknown = this.#isUnknown;
    this.#isUnknown = true;
    while (!this.#closing.aborted) {
      try {
        const { header, responses } = await client.transact({ success }, this.#closing);
        const answer = create(TxnResponseSchema, { header, responses, succeeded: false });
        if (readAt(answer, 0).length > 0 || this.#floorOf(answer) > bound) return answer;
        this.#isUnknown = wasUnknown;
        return undefined;
      } catch (error) {
        if (error instanceof AppendError) throw error;
        if (!(error instanceof EtcdFailure)) throw this.#failed(QuorateError.from(error));
      }
      await pause(this.#closing);
    }
    throw this.#failed(closedEarly(full));
  }

  #checkAbove(before: number, revision: bigint): void {
    if (positionOf(revision, 0) > before) return;
    this.#isUnknown = true;
    throw this.#failed(logRegressed(`it goes on at revision ${revision}, and had an entry at op ${before}`));
  }

  #floorOf(answer: TxnResponse): number {
    try {
      checkGenesis(this.#parts, readAt(answer, 1)[0]);
      const floor = readNumber(readAt(answer, 2)[0]?.value);
      if (floor !== undefined) return floor;
    } catch (error) {
      throw this.#failed(QuorateError.from(error));
    }
    const message = "quorate: the key `floor` of the log is gone, or is no position";
    throw this.#failed(new QuorateError(Code.DataLoss, message, { reason: "LOG_CORRUPT" }));
  }

  /** Known not to be put, and not because somebody else is in the way. */
  #refused(failure: EtcdFailure): AppendError {
    // The latter is what gRPC says before etcd sees it.
    if (/request is too large|received message larger than max/.test(failure.message)) {
      const message = `quorate: etcd takes no request of ${this.#value.byteLength} bytes; maxRequestBytes must be its --max-request-bytes`;
      const tooLarge = new QuorateError(Code.ResourceExhausted, message, {
        reason: "ENTRY_TOO_LARGE",
        cause: failure,
      });
      return notAppended(tooLarge);
    }
    return notAppended(logUnavailable(`etcd takes no entries: ${failure.message}`, failure));
  }

  #failed({ code, message, reason, cause }: QuorateError): AppendError {
    const text = message.replace(/^quorate: /, "");
    return new AppendError(this.#isUnknown ? "unknown" : "not-appended", code, text, { reason, cause });
  }
}

function closedEarly(cause?: EtcdFailure): QuorateError {
  return logUnavailable("the log was closed before etcd answered", cause);
}

function forgotten(): QuorateError {
  return logUnavailable(
    "it cannot be known any more whether the entries were appended: they would be forgotten by now",
  );
}
