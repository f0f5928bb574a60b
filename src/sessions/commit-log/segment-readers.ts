import { join } from "node:path";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { LogEntry } from "./commit-log.js";
import type { LogFile } from "./file-system.js";
import { type DueFrame, FrameReader } from "./frame-reader.js";
import { LogCorrupt, LogTruncated, logUnavailable } from "./log-errors.js";
import type { Segment } from "./segment.js";
import type { SegmentLog } from "./segment-log.js";

/** Those who read the entries of a log, each at its own pace and with a file of its own open. */
export class SegmentReaders {
  readonly #log: SegmentLog;
  readonly #open = new Set<Cursor>();

  constructor(log: SegmentLog) {
    this.#log = log;
  }

  /** The durable entries above `from`, and those that come; returns when the signal or the tail of the log has ended. */
  async *read(from: number, signal: AbortSignal): AsyncGenerator<LogEntry, undefined, undefined> {
    const log = this.#log;
    const begunAt = log.tail.op;
    const unlisten = log.tail.wakeOn(signal);
    let position = from;
    let cursor: Cursor | undefined;
    try {
      while (!signal.aborted && !log.tail.ended) {
        if (position < log.floor) throw new LogTruncated(position, log.floor);
        if (position >= log.tail.op) {
          await log.tail.waitBeyond(position, signal);
          continue;
        }
        // What was there before is read from the disk, as it was written.
        let frame = position < begunAt ? undefined : log.recent.above(position);
        const segment = log.segmentAbove(position);
        if (frame !== undefined) {
          // From here on it would be behind.
          await this.#close(cursor);
          cursor = undefined;
        } else if (cursor?.segment !== segment) {
          await this.#close(cursor);
          cursor = await this.#openAt(segment, position);
          // The log may have been closed, or the segment forgotten, while the file was opened.
          continue;
        }
        frame ??= await cursor?.next();
        if (frame === undefined) continue;
        const { firstOp, entries } = frame;
        for (const [index, entry] of entries.entries()) {
          if (firstOp + index <= position) continue;
          position = firstOp + index;
          yield { op: position, entry };
          if (signal.aborted || log.tail.ended || position < log.floor) break;
        }
      }
    } catch (error) {
      // A file that was closed or removed under the reader fails it in ways of its own.
      if (log.tail.ended) return;
      if (position < log.floor) throw new LogTruncated(position, log.floor);
      throw error instanceof QuorateError ? error : logUnavailable("the commit log cannot be read", error);
    } finally {
      unlisten();
      await this.#close(cursor);
    }
  }

  /** Closes the files of all readers, also of those that nobody asks for the next entry. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((cursor) => this.#close(cursor)));
  }

  async #openAt(segment: Segment, position: number): Promise<Cursor> {
    const { fileSystem, directory } = this.#log;
    const file = await fileSystem.open(join(directory, segment.name), "read");
    const cursor = new Cursor(segment, file, segment.frameBefore(position));
    this.#open.add(cursor);
    return cursor;
  }

  async #close(cursor: Cursor | undefined): Promise<void> {
    if (cursor !== undefined && this.#open.delete(cursor)) await cursor.file.close();
  }
}

class Cursor {
  readonly segment: Segment;
  readonly file: LogFile;
  readonly #reader: FrameReader;
  #due: DueFrame;

  constructor(segment: Segment, file: LogFile, due: DueFrame) {
    this.segment = segment;
    this.file = file;
    this.#reader = new FrameReader(file, segment.salt);
    this.#due = due;
  }

  /** The next frame of the segment, which has one. */
  async next(): Promise<{ readonly firstOp: number; readonly entries: readonly Uint8Array[] }> {
    const { offset, batch, firstOp } = this.#due;
    const found = await this.#reader.read(this.#due, this.segment.next.offset);
    if (found.kind !== "frame") throw new LogCorrupt(this.segment.name, offset, found.why);
    const { entries, bytes } = found;
    this.#due = { offset: offset + bytes, batch: batch + 1, firstOp: firstOp + entries.length };
    return { firstOp, entries };
  }
}
