import { join } from "node:path";
import { type FileSystem, type LogFile, readFully, writeFully } from "./file-system.js";
import { frameHeaderBytes, hasLaterHeader } from "./frame.js";
import { FrameReader } from "./frame-reader.js";
import { LogCorrupt } from "./log-errors.js";
import type { Segment } from "./segment.js";

/**
 * Verifies all frames of a file and makes them durable. Of the last segment a frame that was not written to its end is cut
 * off: it was not synced, so nobody was told that it is there.
 *
 * @throws LogCorrupt if there is a damaged frame, and a frame behind it: that one was written after a sync of the
 * damaged one.
 */
export async function recoverSegment(
  fileSystem: FileSystem,
  directory: string,
  segment: Segment,
  isLast: boolean,
): Promise<void> {
  const file = await fileSystem.open(join(directory, segment.name), isLast ? "write" : "read");
  try {
    const size = await file.size();
    await readAll(file, segment, size, isLast);
    if (segment.next.offset < size) await file.truncate(segment.next.offset);
    if (isLast) await rewriteLastFrame(file, segment);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Goes through the frames up to the end of the file, or to a torn one. */
async function readAll(file: LogFile, segment: Segment, size: number, isLast: boolean): Promise<void> {
  const reader = new FrameReader(file, segment.salt);
  while (segment.next.offset < size) {
    const found = await reader.read(segment.next, size);
    if (found.kind === "frame") {
      segment.extend(found.entries.length, found.bytes);
      continue;
    }
    if (found.kind === "torn" && isLast && !(await hasFrameBehind(file, segment, size))) return;
    throw new LogCorrupt(segment.name, segment.next.offset, found.why);
  }
}

/** Whether a later frame than the one that is due begins anywhere behind its place. */
async function hasFrameBehind(file: LogFile, { next, salt }: Segment, size: number): Promise<boolean> {
  const step = pieceBytes - frameHeaderBytes + 1;
  for (let at = next.offset + 1; at + frameHeaderBytes <= size; at += step) {
    const piece = await readFully(file, at, Math.min(pieceBytes, size - at));
    if (hasLaterHeader(piece, next.batch, size - next.offset, salt)) return true;
  }
  return false;
}

/**
 * After a sync that failed, Linux takes the bytes for written: a further sync says yes and does nothing. Only the last
 * frame can be such bytes, and writing them once more makes the next sync a true one.
 */
async function rewriteLastFrame(file: LogFile, { lastFrame, next }: Segment): Promise<void> {
  if (lastFrame === undefined) return;
  await writeFully(file, await readFully(file, lastFrame, next.offset - lastFrame), lastFrame);
}

const pieceBytes = 2 ** 22;
