import { resolve } from "node:path";
import { invalidArgument } from "../../../internal/errors/quorate-error.js";
import { type LogLimitOptions, maxEntryBytesOf, mebibyte, positiveCount } from "./log-options.js";

/** How a log in files is opened. */
export interface FileLogOptions extends LogLimitOptions {
  /**
   * The folder of this one log, on a disk of this machine; made if it is missing. Entries lie in it in clear. It is for
   * one process at a time, and a process of another machine that has it mounted is not noticed.
   */
  readonly directory: string;
  /** Appends that wait while others are written; default 65,536. Beyond it they fail with `LOG_QUEUE_FULL`. */
  readonly maxWaitingAppends?: number;
  /** Bytes of those; default 64 MiB. */
  readonly maxWaitingBytes?: number;
  /**
   * Bytes after which a file gets no more entries and a next one is begun; default 16 MiB. Once a snapshot is stored, all
   * files are removed but the last and those with entries above it.
   */
  readonly segmentBytes?: number;
}

/** The options with their defaults, checked. */
export type FileLogSettings = Required<FileLogOptions>;

/** Throws InvalidArgument for options that are wrong. */
export function readFileLogOptions(options: FileLogOptions): FileLogSettings {
  if (options.directory === "") throw invalidArgument("directory is the folder of the log: it is empty");
  return {
    directory: resolve(options.directory),
    maxEntryBytes: maxEntryBytesOf(options),
    maxWaitingAppends: positiveCount("maxWaitingAppends", options.maxWaitingAppends, 65_536),
    maxWaitingBytes: positiveCount("maxWaitingBytes", options.maxWaitingBytes, 64 * mebibyte),
    segmentBytes: positiveCount("segmentBytes", options.segmentBytes, 16 * mebibyte),
  };
}
