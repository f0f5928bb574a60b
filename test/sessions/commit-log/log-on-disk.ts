import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import { openFileLog } from "../../../src/sessions/commit-log/file-log.js";
import type { FileLogOptions } from "../../../src/sessions/commit-log/file-log-options.js";
import { begun, bytes, texts } from "./log-helpers.js";
import { SimulatedDisk } from "./simulated-disk.js";

/** The files of {@link threeSegments}. */
export const segments: readonly string[] = [1, 3, 5].map(
  (batch) => `segment-${String(batch).padStart(16, "0")}`,
);

/** A log on a disk in memory, begun. */
export async function openOn(disk: SimulatedDisk, options: Partial<FileLogOptions> = {}): Promise<CommitLog> {
  return begun(await openFileLog({ directory: "/log", ...options }, disk));
}

/** Six entries in frames of their own, two to a segment. */
export async function threeSegments(): Promise<{ readonly disk: SimulatedDisk; readonly log: CommitLog }> {
  const disk = new SimulatedDisk();
  // A header of 64 bytes, and frames of 28 + 4 + 2.
  const log = await openOn(disk, { segmentBytes: 64 + 2 * 34 });
  for (const each of texts(6)) await log.append(bytes(each));
  return { disk, log };
}
