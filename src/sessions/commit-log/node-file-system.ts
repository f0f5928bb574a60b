import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { FileSystem, LogFile } from "./file-system.js";
import { lockDirectory } from "./log-lock.js";

/**
 * The file system of the machine. Folders and files are made for their owner alone, since a log holds payloads in clear.
 */
export const nodeFileSystem: FileSystem = {
  makeDirectory: async (directory) => {
    const target = resolve(directory);
    const first = await mkdir(target, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    // The name of each new folder stands in the one above it.
    for (let made = target; made.length >= first.length; made = dirname(made))
      await syncDirectory(dirname(made));
  },
  lock: lockDirectory,
  list: (directory) => readdir(directory),
  open: async (path, mode) => new NodeFile(await open(path, flags[mode], 0o600)),
  rename,
  remove: (path) => rm(path),
  syncDirectory,
};

const flags = { read: "r", write: "r+", create: "w+" } as const;

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

class NodeFile implements LogFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(target, 0, target.byteLength, position)).bytesRead;
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.write(bytes, 0, bytes.byteLength, position)).bytesWritten;
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
