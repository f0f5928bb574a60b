import fs, { type Stats } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
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
  open: async (path, mode) => new NodeFile(await openFile(path, flags[mode])),
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

/** By descriptor and callback: a FileHandle takes some microseconds more for each call. */
class NodeFile implements LogFile {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  size(): Promise<number> {
    return settled<Stats>((done) => fs.fstat(this.#descriptor, done)).then(({ size }) => size);
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return settled((done) => fs.read(this.#descriptor, target, 0, target.byteLength, position, done));
  }

  write(bytes: Uint8Array, position: number): Promise<number> {
    return settled((done) => fs.write(this.#descriptor, bytes, 0, bytes.byteLength, position, done));
  }

  truncate(size: number): Promise<void> {
    return settled((done) => fs.ftruncate(this.#descriptor, size, done));
  }

  sync(): Promise<void> {
    return settled((done) => fs.fdatasync(this.#descriptor, done));
  }

  close(): Promise<void> {
    return settled((done) => fs.close(this.#descriptor, done));
  }
}

function openFile(path: string, flag: string): Promise<number> {
  return settled((done) => fs.open(path, flag, 0o600, done));
}

function settled<Result>(
  begin: (done: (error: Error | null, result?: Result) => void) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    // What has no result resolves with none.
    begin((error, result) => (error === null ? resolve(result as Result) : reject(error)));
  });
}
