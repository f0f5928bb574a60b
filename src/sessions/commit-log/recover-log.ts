import { join } from "node:path";
import { decodeFileHeader, type FileHeader, fileHeaderBytes } from "./file-header.js";
import { type FileSystem, type LogFile, readFully } from "./file-system.js";
import { LogCorrupt } from "./log-errors.js";
import { recoverSegment } from "./recover-segment.js";
import { batchOfSegment, Segment } from "./segment.js";
import { prepareFile, publishFile, readWholeFile, unfinishedEnd } from "./whole-file.js";

/** What the folder of a log holds. */
export interface RecoveredLog {
  /** Undefined of a log that was not begun: then there is nothing else either. */
  readonly genesis: { readonly logId: Uint8Array; readonly bytes: Uint8Array } | undefined;
  /** The position of the snapshot; 0 if there is none. */
  readonly snapshotOp: number;
  /** One or more of a log that was begun, without gaps between them. */
  readonly segments: readonly Segment[];
}

/** The name of the file of the genesis. */
export const genesisFile = "genesis";

/** The name of the file of the snapshot. */
export const snapshotFile = "snapshot";

/**
 * Verifies all files, finishes what a crash has left half done, and makes all of it durable: bytes left by a failed sync,
 * or by a process that was killed, may be in memory only.
 *
 * @throws LogCorrupt if a file is not as it was written, but for the last frame. QuorateError FailedPrecondition,
 * `LOG_FORMAT`, for files of another version.
 */
export async function recoverLog(fileSystem: FileSystem, directory: string): Promise<RecoveredLog> {
  const names = await fileSystem.list(directory);
  const batches = names.map(batchOfSegment).filter((batch) => batch !== undefined);
  const log = await verify(
    fileSystem,
    directory,
    names,
    batches.sort((a, b) => a - b),
  );
  await fileSystem.syncDirectory(directory);
  const kept = new Set(log.segments.map(({ name }) => name));
  for (const name of names) {
    const isLeftOver = batchOfSegment(name) !== undefined && !kept.has(name);
    if (isLeftOver || name.endsWith(unfinishedEnd)) await fileSystem.remove(join(directory, name));
  }
  await publishAnew(fileSystem, directory, log);
  return log;
}

async function verify(
  fileSystem: FileSystem,
  directory: string,
  names: readonly string[],
  batches: readonly number[],
): Promise<RecoveredLog> {
  if (!names.includes(genesisFile)) {
    await verifyNotBegun(fileSystem, directory, names, batches);
    return { genesis: undefined, snapshotOp: 0, segments: [] };
  }
  const { header, body } = await readWholeFile(fileSystem, directory, genesisFile, "genesis");
  const { logId } = header;
  const snapshotOp = names.includes(snapshotFile) ? await verifySnapshot(fileSystem, directory, logId) : 0;
  const segments = await verifySegments(fileSystem, directory, { logId, snapshotOp, batches });
  const lastOp = segments.at(-1)?.lastOp ?? 0;
  if (snapshotOp > lastOp) {
    const name = segments.at(-1)?.name ?? genesisFile;
    const offset = segments.at(-1)?.next.offset ?? 0;
    throw new LogCorrupt(
      name,
      offset,
      `the log ends at op ${lastOp}, before its snapshot at op ${snapshotOp}`,
    );
  }
  return { genesis: { logId, bytes: body }, snapshotOp, segments };
}

interface Expected {
  readonly logId: Uint8Array;
  readonly snapshotOp: number;
  readonly batches: readonly number[];
}

/** The segments from the last gap on, which is one that a snapshot has made. */
async function verifySegments(
  fileSystem: FileSystem,
  directory: string,
  { logId, snapshotOp, batches }: Expected,
): Promise<Segment[]> {
  let segments: Segment[] = [];
  for (const batch of batches) {
    const segment = new Segment(await readHeader(fileSystem, directory, batch, logId));
    const previous = segments.at(-1);
    if (previous !== undefined && !follows(previous, segment)) {
      if (segment.baseOp > snapshotOp) {
        const { next } = previous;
        throw new LogCorrupt(
          previous.name,
          next.offset,
          `batch ${next.batch} is missing before ${segment.name}`,
        );
      }
      segments = [];
    }
    await recoverSegment(fileSystem, directory, segment, batch === batches.at(-1));
    segments.push(segment);
  }
  const [first] = segments;
  if (first !== undefined && first.baseOp <= snapshotOp) return segments;
  throw new LogCorrupt(genesisFile, 0, `the segment with the entries above op ${snapshotOp} is missing`);
}

function follows({ next }: Segment, segment: Segment): boolean {
  return segment.next.batch === next.batch && segment.next.firstOp === next.firstOp;
}

/**
 * A last segment without frames may be the one whose name, and that of the genesis with it, could not be made durable, and
 * then a further sync of the folder says yes and does nothing; see `recover-segment.ts`. So the names are written once
 * more before the first entry relies on them. Those of a snapshot are not relied on: nothing is removed because of an
 * old one.
 */
async function publishAnew(
  fileSystem: FileSystem,
  directory: string,
  { genesis, segments }: RecoveredLog,
): Promise<void> {
  const last = segments.at(-1);
  if (genesis === undefined || last === undefined || last.lastFrame !== undefined) return;
  const { logId, bytes } = genesis;
  const { baseOp, next, salt } = last;
  const header = { kind: "segment", logId, op: baseOp, batch: next.batch, salt } as const;
  await prepareFile(fileSystem, directory, last.name, { header, body: new Uint8Array() });
  await publishFile(fileSystem, directory, last.name);
  if (baseOp > 0) return;
  const first = { kind: "genesis", logId, op: 0, batch: 0, salt: 0 } as const;
  await prepareFile(fileSystem, directory, genesisFile, { header: first, body: bytes });
  await publishFile(fileSystem, directory, genesisFile);
}

/** The genesis is written after the first segment and before the first entry. */
async function verifyNotBegun(
  fileSystem: FileSystem,
  directory: string,
  names: readonly string[],
  batches: readonly number[],
): Promise<void> {
  const sizes = await Promise.all(
    names
      .filter((name) => batchOfSegment(name) !== undefined)
      .map((name) => using(fileSystem, join(directory, name), (file) => file.size())),
  );
  if (names.includes(snapshotFile) || batches.some((batch) => batch > 1) || sizes.some(hasEntries)) {
    throw new LogCorrupt(genesisFile, 0, "it is missing, and the log has entries");
  }
}

function hasEntries(size: number): boolean {
  return size > fileHeaderBytes;
}

async function verifySnapshot(fileSystem: FileSystem, directory: string, logId: Uint8Array): Promise<number> {
  const { header } = await readWholeFile(fileSystem, directory, snapshotFile, "snapshot");
  checkLog(snapshotFile, header, logId);
  return header.op;
}

async function readHeader(
  fileSystem: FileSystem,
  directory: string,
  batch: number,
  logId: Uint8Array,
): Promise<FileHeader> {
  const { name } = new Segment({ batch, op: 0, salt: 0 });
  const bytes = await using(fileSystem, join(directory, name), (file) => readFully(file, 0, fileHeaderBytes));
  const header = decodeFileHeader(bytes, name, "segment");
  checkLog(name, header, logId);
  if (header.batch !== batch) throw new LogCorrupt(name, 0, `it is the segment of batch ${header.batch}`);
  return header;
}

function checkLog(name: string, header: { readonly logId: Uint8Array }, logId: Uint8Array): void {
  if (Buffer.compare(header.logId, logId) !== 0) throw new LogCorrupt(name, 0, "it is of another log");
}

async function using<T>(
  fileSystem: FileSystem,
  path: string,
  use: (file: LogFile) => Promise<T>,
): Promise<T> {
  const file = await fileSystem.open(path, "read");
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
