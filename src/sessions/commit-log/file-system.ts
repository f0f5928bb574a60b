/**
 * What the file log needs of a file system, so that tests can stand in for a full or failing disk. Every method rejects
 * with the error of the system.
 */
export interface FileSystem {
  /** Makes the folder and those above it that are missing, durably. */
  makeDirectory(directory: string): Promise<void>;
  /**
   * Keeps every other process, and every other caller in this one, out of the folder until what it resolves with was
   * called, or this process has ended in whatever way.
   *
   * @throws QuorateError FailedPrecondition, `LOG_LOCKED`, if somebody has it.
   */
  lock(directory: string): Promise<() => Promise<void>>;
  /** The names of what is in the folder. */
  list(directory: string): Promise<readonly string[]>;
  /** Opens a file to read it, to read and write it, or to write it anew. */
  open(path: string, mode: "read" | "write" | "create"): Promise<LogFile>;
  /** Atomic: `to` is what it was, or what `from` was. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes the names in the folder durable. */
  syncDirectory(directory: string): Promise<void>;
}

/** An open file. */
export interface LogFile {
  /** Bytes. */
  size(): Promise<number>;
  /** Resolves with how many bytes were read into the target; fewer than it has room for only by chance, 0 at the end. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Resolves with how many of the bytes were written. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  truncate(size: number): Promise<void>;
  /** Makes the contents and the size durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Writes all of it, in as many steps as it takes. */
export async function writeFully(file: LogFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const written = await file.write(bytes.subarray(done, done + maxStepBytes), position + done);
    if (written === 0) throw new Error(`nothing more could be written at byte ${position + done}`);
    done += written;
  }
}

/** Reads `length` bytes, fewer only if the file ends before. */
export async function readFully(file: LogFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length; ) {
    const read = await file.read(bytes.subarray(done, done + maxStepBytes), position + done);
    if (read === 0) return bytes.subarray(0, done);
    done += read;
  }
  return bytes;
}

/** Linux takes a little under 2 GiB at a time. */
const maxStepBytes = 2 ** 30;
