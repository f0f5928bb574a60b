import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Code } from "../../../internal/errors/code.js";
import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import { type FileSystem, type LogFile, writeFully } from "./file-system.js";
import { encodeFrame } from "./frame.js";
import { AppendError, logUnavailable, notAppended } from "./log-errors.js";
import { mebibyte } from "./log-options.js";
import { LogTail } from "./log-tail.js";
import { RecentFrames } from "./recent-frames.js";
import { Segment } from "./segment.js";
import { prepareFile, publishFile } from "./whole-file.js";

/** The entries of a file log: frames at the end of the last segment, and the segments before it. */
export class SegmentLog {
  /** Ends when the log is closed. */
  readonly tail: LogTail;
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly #segmentBytes: number;
  readonly #segments: Segment[];
  /** What was written last and is durable. */
  readonly recent: RecentFrames = new RecentFrames(4 * mebibyte);
  #file: LogFile | undefined;
  #logId: Uint8Array | undefined;
  #failure: QuorateError | undefined;

  constructor(fileSystem: FileSystem, directory: string, segmentBytes: number, segments: readonly Segment[]) {
    this.fileSystem = fileSystem;
    this.directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#segments = [...segments];
    this.tail = new LogTail(segments.at(-1)?.lastOp ?? 0);
  }

  /** The position of the last entry that was forgotten. */
  get floor(): number {
    return this.#segments[0]?.baseOp ?? 0;
  }

  /** Why nothing can be written any more, or undefined. */
  get failure(): QuorateError | undefined {
    return this.#failure;
  }

  /** Begins a log that has no segment, or goes on with one that has. */
  async start(logId: Uint8Array): Promise<void> {
    this.#logId = logId;
    const last = this.#segments.at(-1);
    if (last === undefined) await this.#startSegment({ batch: 1, op: 0 });
    else this.#file = await this.#open(last);
  }

  /** The segment with the first entry above `op`, which is neither below the floor nor the last one. */
  segmentAbove(op: number): Segment {
    return this.#segments.findLast(({ baseOp }) => baseOp <= op) as Segment;
  }

  /** Writes one frame; resolves with the position of the first entry once all are durable. One call at a time. */
  async append(entries: readonly Uint8Array[]): Promise<number> {
    if (this.#failure !== undefined) throw notAppended(this.#failure);
    const [segment, file] = await this.#segmentToWrite();
    const { offset, batch, firstOp } = segment.next;
    const frame = encodeFrame({ batch, firstOp, entries }, segment.salt);
    try {
      await writeFully(file, frame, offset);
      await file.sync();
    } catch (error) {
      this.fail(error);
      throw new AppendError("unknown", Code.Unavailable, "a write to the commit log has failed", {
        reason: "LOG_UNAVAILABLE",
        cause: error,
      });
    }
    segment.extend(entries.length, frame.length);
    this.recent.add({ firstOp, entries }, frame.length);
    this.tail.advance(segment.lastOp);
    return firstOp;
  }

  /** Removes the segments without entries above `op`, oldest first; the last one stays. */
  async forget(op: number): Promise<void> {
    for (let next = this.#segments[1]; next !== undefined && next.baseOp <= op; next = this.#segments[1]) {
      const oldest = this.#segments.shift() as Segment;
      try {
        await this.fileSystem.remove(join(this.directory, oldest.name));
      } catch (error) {
        this.#segments.unshift(oldest);
        throw error;
      }
    }
  }

  /** From here on the log is read-only, until it is opened anew: what is on the disk is no longer certain. */
  fail(cause: unknown): QuorateError {
    this.#failure ??= logUnavailable("the commit log is read-only since a write has failed", cause);
    return this.#failure;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #segmentToWrite(): Promise<readonly [Segment, LogFile]> {
    const last = this.#segments.at(-1);
    if (last === undefined || this.#file === undefined) throw new Error("the log was not started");
    const isFull = last.next.offset >= this.#segmentBytes && last.lastFrame !== undefined;
    if (!isFull) return [last, this.#file];
    const full = this.#file;
    try {
      const started = await this.#startSegment({ batch: last.next.batch, op: last.lastOp });
      await full.close();
      return started;
    } catch (error) {
      throw notAppended(this.fail(error));
    }
  }

  async #startSegment(start: { readonly batch: number; readonly op: number }): Promise<[Segment, LogFile]> {
    if (this.#logId === undefined) throw new Error("the log was not started");
    const header = {
      kind: "segment",
      logId: this.#logId,
      ...start,
      salt: randomBytes(4).readUInt32LE(),
    } as const;
    const segment = new Segment(header);
    await prepareFile(this.fileSystem, this.directory, segment.name, { header, body: new Uint8Array() });
    await publishFile(this.fileSystem, this.directory, segment.name);
    const file = await this.#open(segment);
    this.#segments.push(segment);
    this.#file = file;
    return [segment, file];
  }

  #open({ name }: Segment): Promise<LogFile> {
    return this.fileSystem.open(join(this.directory, name), "write");
  }
}
