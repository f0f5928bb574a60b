import { join } from "node:path";
import { crc32c } from "./crc32c.js";
import {
  decodeFileHeader,
  encodeFileHeader,
  type FileHeader,
  type FileKind,
  fileHeaderBytes,
} from "./file-header.js";
import { type FileSystem, readFully, writeFully } from "./file-system.js";
import { LogCorrupt } from "./log-errors.js";

/** A file that is written once: its header without what follows from the body, and the body. */
export interface WholeFile {
  readonly header: Pick<FileHeader, "kind" | "logId" | "op" | "batch" | "salt">;
  readonly body: Uint8Array;
}

/** What ends like this was not finished, and is nothing. */
export const unfinishedEnd = ".tmp";

/** The first half of writing a file atomically: all of it durable under another name. Removes what it cannot finish. */
export async function prepareFile(
  fileSystem: FileSystem,
  directory: string,
  name: string,
  { header, body }: WholeFile,
): Promise<void> {
  const path = join(directory, name + unfinishedEnd);
  const isSegment = header.kind === "segment";
  const start = encodeFileHeader({
    ...header,
    bodyBytes: isSegment ? 0 : body.byteLength,
    bodyChecksum: isSegment ? 0 : crc32c(body),
  });
  try {
    const file = await fileSystem.open(path, "create");
    try {
      await writeFully(file, start, 0);
      await writeFully(file, body, fileHeaderBytes);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    // What cannot be removed now is removed when the log is opened.
    await fileSystem.remove(path).catch(() => {});
    throw error;
  }
}

/** The second half: the file takes its place. After an error it may or may not stand there after a crash. */
export async function publishFile(fileSystem: FileSystem, directory: string, name: string): Promise<void> {
  const path = join(directory, name);
  await fileSystem.rename(path + unfinishedEnd, path);
  await fileSystem.syncDirectory(directory);
}

/**
 * Reads a file back, and makes it durable: what a process that was killed has written may be in memory only.
 *
 * @throws LogCorrupt if it is not as it was written.
 */
export async function readWholeFile(
  fileSystem: FileSystem,
  directory: string,
  name: string,
  kind: FileKind,
): Promise<WholeFile> {
  const file = await fileSystem.open(join(directory, name), "read");
  try {
    const header = decodeFileHeader(await readFully(file, 0, fileHeaderBytes), name, kind);
    const bodyBytes = (await file.size()) - fileHeaderBytes;
    if (bodyBytes !== header.bodyBytes) {
      const offset = fileHeaderBytes + Math.min(bodyBytes, header.bodyBytes);
      throw new LogCorrupt(
        name,
        offset,
        `it has ${bodyBytes} bytes of contents in place of ${header.bodyBytes}`,
      );
    }
    const { buffer } = await readFully(file, fileHeaderBytes, bodyBytes);
    const body = new Uint8Array(buffer, 0, bodyBytes);
    if (crc32c(body) !== header.bodyChecksum) {
      throw new LogCorrupt(name, fileHeaderBytes, "the checksum of its contents differs");
    }
    await file.sync();
    return { header, body };
  } finally {
    await file.close();
  }
}
