import { randomBytes } from "node:crypto";
import { abortError, QuorateError } from "../../../internal/errors/quorate-error.js";
import { AppendQueue } from "./append-queue.js";
import { checkEntry, checkSnapshotOp, noGenesis } from "./check-entry.js";
import type { CommitLog, LogEntry, LogSnapshot, LogWaitOptions } from "./commit-log.js";
import { type FileLogOptions, type FileLogSettings, readFileLogOptions } from "./file-log-options.js";
import type { FileSystem } from "./file-system.js";
import { followEntries } from "./follow-entries.js";
import { logClosed, logUnavailable, notAppended } from "./log-errors.js";
import { mebibyte } from "./log-options.js";
import { nodeFileSystem } from "./node-file-system.js";
import { OneByOne } from "./one-by-one.js";
import { genesisFile, type RecoveredLog, recoverLog, snapshotFile } from "./recover-log.js";
import { SegmentLog } from "./segment-log.js";
import { SegmentReaders } from "./segment-readers.js";
import { prepareFile, publishFile, readWholeFile, type WholeFile } from "./whole-file.js";

/**
 * Opens the log in a folder, for one server: entries in files of frames, with group commit; positions are 1, 2, 3, ...
 * An append resolves once fdatasync has returned.
 *
 * After a write or a sync that failed (EIO, ENOSPC) the log is read-only until it is opened anew: the appends of that
 * batch reject with "unknown", as their bytes may be found then, and all later ones with "not-appended"; what is durable
 * can be read. A torn frame at the end is cut off. Known limits: damage inside the very last frame looks like a torn one; a
 * disk that says that bytes are durable which are not is believed; not for Windows, where a folder cannot be synced.
 *
 * @throws QuorateError FailedPrecondition, `LOG_LOCKED`, if another process or handle has the folder; `LOG_FORMAT`, for files
 * of another version. LogCorrupt (DataLoss, `LOG_CORRUPT`) for a damaged file, with its name and the offset. Unavailable,
 * `LOG_UNAVAILABLE`, if the file system refuses; `cause` says why. InvalidArgument for options that are wrong.
 */
export async function openFileLog(
  options: FileLogOptions,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<CommitLog> {
  const settings = readFileLogOptions(options);
  const { directory, segmentBytes } = settings;
  let release: (() => Promise<void>) | undefined;
  try {
    await fileSystem.makeDirectory(directory);
    release = await fileSystem.lock(directory);
    const recovered = await recoverLog(fileSystem, directory);
    const segments = new SegmentLog(fileSystem, directory, segmentBytes, recovered.segments);
    if (recovered.genesis !== undefined) await segments.start(recovered.genesis.logId);
    return new FileLog(settings, segments, recovered, release);
  } catch (error) {
    await release?.();
    throw readable(error, `the commit log in ${directory} cannot be opened`);
  }
}

class FileLog implements CommitLog {
  readonly maxEntryBytes: number;
  readonly #log: SegmentLog;
  readonly #readers: SegmentReaders;
  readonly #queue: AppendQueue;
  readonly #files = new OneByOne();
  readonly #release: () => Promise<void>;
  #genesis: RecoveredLog["genesis"];
  #snapshotOp: number;
  #hasGenesis = false;
  #closed: Promise<void> | undefined;

  constructor(
    settings: FileLogSettings,
    log: SegmentLog,
    { genesis, snapshotOp }: RecoveredLog,
    release: () => Promise<void>,
  ) {
    this.maxEntryBytes = settings.maxEntryBytes;
    this.#log = log;
    this.#readers = new SegmentReaders(log);
    const limits = { ...settings, maxBatchBytes: 4 * mebibyte, maxBatchEntries: Number.POSITIVE_INFINITY };
    this.#queue = new AppendQueue(limits, async (entries) => {
      const firstOp = await log.append(entries);
      return (index) => firstOp + index;
    });
    this.#genesis = genesis;
    this.#snapshotOp = snapshotOp;
    this.#release = release;
  }

  async genesis(proposal: Uint8Array): Promise<Uint8Array> {
    this.#checkOpen();
    checkEntry(proposal, this.maxEntryBytes, "genesis");
    return this.#files.run(async () => {
      this.#genesis ??= await this.#begin(proposal);
      this.#hasGenesis = true;
      return this.#genesis.bytes;
    });
  }

  append(entry: Uint8Array): Promise<number> {
    if (!this.#hasGenesis && this.#closed === undefined) return Promise.reject(notAppended(noGenesis()));
    return this.#queue.append(entry);
  }

  async tail({ signal }: LogWaitOptions = {}): Promise<number> {
    this.#checkOpen();
    if (signal?.aborted) throw abortError(signal.reason);
    return this.#log.tail.op;
  }

  entries(from: number, { signal }: LogWaitOptions = {}): AsyncIterable<LogEntry> {
    return followEntries(from, signal, (first, ended) => this.#readers.read(first, ended));
  }

  async saveSnapshot(op: number, bytes: Uint8Array): Promise<boolean> {
    this.#checkOpen();
    checkSnapshotOp(op, this.#log.tail.op);
    return this.#files.run(async () => {
      if (op <= this.#snapshotOp || this.#genesis === undefined) return false;
      await this.#store(snapshotFile, {
        header: { kind: "snapshot", logId: this.#genesis.logId, op, batch: 0, salt: 0 },
        body: bytes,
      });
      this.#snapshotOp = op;
      await this.#log.forget(op).catch((error: unknown) => {
        throw logUnavailable(
          "the snapshot is stored, but a file that it makes superfluous is not removed",
          error,
        );
      });
      return true;
    });
  }

  async loadSnapshot(): Promise<LogSnapshot | undefined> {
    this.#checkOpen();
    if (this.#snapshotOp === 0) return undefined;
    const { fileSystem, directory } = this.#log;
    try {
      const { header, body } = await readWholeFile(fileSystem, directory, snapshotFile, "snapshot");
      return { op: header.op, bytes: body };
    } catch (error) {
      throw readable(error, "the snapshot cannot be read");
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The first segment comes before the genesis: a log with a genesis and no segment has lost its entries. */
  async #begin(bytes: Uint8Array): Promise<{ readonly logId: Uint8Array; readonly bytes: Uint8Array }> {
    if (this.#log.failure !== undefined) throw this.#log.failure;
    const logId = randomBytes(16);
    try {
      await this.#log.start(logId);
      await this.#store(genesisFile, {
        header: { kind: "genesis", logId, op: 0, batch: 0, salt: 0 },
        body: bytes,
      });
    } catch (error) {
      // What is half begun is done away with when the log is opened anew.
      throw this.#log.fail(error);
    }
    return { logId, bytes };
  }

  async #store(name: string, file: WholeFile): Promise<void> {
    const { fileSystem, directory, failure } = this.#log;
    if (failure !== undefined) throw failure;
    try {
      await prepareFile(fileSystem, directory, name, file);
    } catch (error) {
      throw logUnavailable(`the ${name} of the commit log cannot be written`, error);
    }
    try {
      await publishFile(fileSystem, directory, name);
    } catch (error) {
      // It may have taken its place all the same, and a lower snapshot must not replace it.
      throw this.#log.fail(error);
    }
  }

  async #close(): Promise<void> {
    try {
      await Promise.all([this.#queue.close(), this.#files.close()]);
      this.#log.tail.end();
      await Promise.all([this.#readers.close(), this.#log.close()]);
    } finally {
      // Last of all: whoever gets the lock may write.
      await this.#release();
    }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw logClosed();
  }
}

/** An error of the file system in words of the log. */
function readable(error: unknown, message: string): QuorateError {
  return error instanceof QuorateError ? error : logUnavailable(message, error);
}
