import { randomInt } from "node:crypto";
import { abortError } from "../../../../internal/errors/quorate-error.js";
import { deadlineAfter, scheduleDeadline } from "../../../../internal/util/deadlines.js";
import { onAbort } from "../../../../internal/util/on-abort.js";
import { AppendQueue } from "../append-queue.js";
import { checkEntry, checkSnapshotOp, noGenesis } from "../check-entry.js";
import type { CommitLog, LogEntry, LogSnapshot, LogWaitOptions } from "../commit-log.js";
import { followEntries } from "../follow-entries.js";
import { logClosed, notAppended } from "../log-errors.js";
import { OneByOne } from "../one-by-one.js";
import { batchAppender } from "./append-batches.js";
import type { EtcdClient } from "./etcd-client.js";
import { connectEtcd } from "./etcd-cluster.js";
import { keysBelow, maxBatchEntries } from "./etcd-keys.js";
import {
  type EtcdLogOptions,
  type EtcdSettings,
  readEtcdLogOptions,
  requestOverheadBytes,
} from "./etcd-log-options.js";
import { forgetBatches } from "./forget-batches.js";
import { KnownPosition } from "./known-position.js";
import { loadSnapshot } from "./load-snapshot.js";
import type { LogParts } from "./log-parts.js";
import { OwnBatches } from "./own-batches.js";
import { readEntries } from "./read-entries.js";
import { readTail } from "./read-tail.js";
import { saveSnapshot } from "./save-snapshot.js";
import { storeGenesis } from "./store-genesis.js";

/**
 * Opens a log in etcd, 3.4 or later, for any number of servers: each has a handle of its own. An entry is durable once
 * etcd's majority has it. Positions are revisions of etcd times 1,024, plus a place in the batch.
 *
 * Nothing is asked of etcd before it is used: members that are away are waited for then, within `requestTimeoutMs`. An append
 * waits as long as it takes, since only an answer tells whether it was carried out; beyond `maxWaitingAppends` further ones
 * are refused. A handle on another log than before, which stands under the same prefix or came out of a backup, fails with
 * DataLoss, `LOG_REGRESSED`.
 *
 * @throws QuorateError InvalidArgument that names the option; FailedPrecondition, `INSECURE_CREDENTIALS`, for a password
 * that would go over plain text to another host.
 */
export function openEtcdLog(options: EtcdLogOptions): CommitLog {
  const settings = readEtcdLogOptions(options);
  // Servers with one list must not all be at one member.
  return new EtcdLog(settings, connectEtcd(settings, randomInt(settings.endpoints.length)));
}

/** Opens a log with a client of one's own: for tests. The log closes it. */
export function openLogWith(client: EtcdClient, options: EtcdLogOptions): CommitLog {
  return new EtcdLog(readEtcdLogOptions(options), client);
}

class EtcdLog implements CommitLog {
  readonly maxEntryBytes: number;
  readonly shared = true;
  readonly #parts: LogParts;
  readonly #queue: AppendQueue;
  readonly #snapshots = new OneByOne();
  /** Ends what reads and stores. */
  readonly #ended = new AbortController();
  /** Ends appends that are not answered. */
  readonly #givenUp = new AbortController();
  readonly #closeMs: number;
  #genesis: Promise<Uint8Array> | undefined;
  #closed: Promise<void> | undefined;

  constructor(settings: EtcdSettings, client: EtcdClient) {
    this.maxEntryBytes = settings.maxEntryBytes;
    this.#closeMs = settings.requestTimeoutMs;
    const keys = keysBelow(settings.prefix);
    const known = new KnownPosition();
    this.#parts = { client, keys, settings, known, own: new OwnBatches(), genesis: undefined };
    const limits = {
      ...settings,
      maxBatchBytes: settings.maxRequestBytes - requestOverheadBytes,
      maxBatchEntries,
    };
    this.#queue = new AppendQueue(limits, batchAppender(this.#parts, this.#givenUp.signal));
  }

  async genesis(proposal: Uint8Array): Promise<Uint8Array> {
    this.#checkOpen();
    // It goes along with every request, as a condition.
    checkEntry(proposal, Math.min(this.maxEntryBytes, requestOverheadBytes / 2), "genesis");
    if (this.#parts.genesis !== undefined) return this.#parts.genesis;
    // Of those that are proposed at once, the first.
    this.#genesis ??= storeGenesis(this.#parts, proposal, this.#ended.signal).finally(() => {
      this.#genesis = undefined;
    });
    this.#parts.genesis = await this.#genesis;
    return this.#parts.genesis;
  }

  append(entry: Uint8Array): Promise<number> {
    const isTooEarly = this.#parts.genesis === undefined && this.#closed === undefined;
    return isTooEarly ? Promise.reject(notAppended(noGenesis())) : this.#queue.append(entry);
  }

  async tail({ signal }: LogWaitOptions = {}): Promise<number> {
    this.#checkOpen();
    if (signal?.aborted) throw abortError(signal.reason);
    const timeoutMs = this.#parts.settings.requestTimeoutMs;
    return this.#untilClosed(signal, (ended) => readTail(this.#parts, { timeoutMs, signal: ended }));
  }

  entries(from: number, { signal }: LogWaitOptions = {}): AsyncIterable<LogEntry> {
    return followEntries(from, signal, (first, left) => this.#read(first, left));
  }

  async saveSnapshot(op: number, bytes: Uint8Array): Promise<boolean> {
    this.#checkOpen();
    const { signal } = this.#ended;
    // Who stores one has read up to there, on this handle or on one before.
    checkSnapshotOp(op, Math.max(this.#parts.known.op, await this.tail()));
    return this.#snapshots.run(async () => {
      const isSaved = await saveSnapshot(this.#parts, { op, bytes }, signal);
      if (isSaved) await forgetBatches(this.#parts, op, signal);
      return isSaved;
    });
  }

  async loadSnapshot(): Promise<LogSnapshot | undefined> {
    this.#checkOpen();
    return loadSnapshot(this.#parts, this.#ended.signal);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#read(from: number, left: AbortSignal): AsyncGenerator<LogEntry, undefined, undefined> {
    const ended = new AbortController();
    const stops = [left, this.#ended.signal].map((signal) => onAbort(signal, () => ended.abort()));
    if (left.aborted || this.#ended.signal.aborted) ended.abort();
    try {
      yield* readEntries(this.#parts, from, ended.signal);
    } catch (error) {
      if (!ended.signal.aborted) throw error;
    } finally {
      for (const stop of stops) stop();
    }
  }

  async #untilClosed<T>(
    signal: AbortSignal | undefined,
    work: (ended: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const ended = new AbortController();
    const stops = [this.#ended.signal, ...(signal === undefined ? [] : [signal])].map((one) =>
      onAbort(one, (reason) => ended.abort(reason)),
    );
    try {
      return await work(ended.signal);
    } finally {
      for (const stop of stops) stop();
    }
  }

  async #close(): Promise<void> {
    this.#ended.abort(logClosed());
    const cancel = scheduleDeadline(deadlineAfter(this.#closeMs), () => this.#givenUp.abort());
    await this.#queue.close();
    cancel();
    await this.#snapshots.close();
    this.#parts.client.close();
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw logClosed();
  }
}
