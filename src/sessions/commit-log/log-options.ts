import { invalidArgument } from "../../../internal/errors/quorate-error.js";

/** What every commit log bounds. */
export interface LogLimitOptions {
  /** Bytes of one entry, and of the genesis; default 1.5 MiB (1,572,864), which is what etcd takes by default. */
  readonly maxEntryBytes?: number;
}

/** An option that counts something. Throws InvalidArgument that names it. */
export function positiveCount(name: string, value: number | undefined, standard: number): number {
  if (value === undefined) return standard;
  if (!Number.isSafeInteger(value) || value < 1) {
    throw invalidArgument(`${name} must be a positive whole number: it is ${value}`);
  }
  return value;
}

/** The option of this name, with its default. At most 256 MiB, so that a frame stays far from what a file can take. */
export function maxEntryBytesOf({ maxEntryBytes }: LogLimitOptions): number {
  const bytes = positiveCount("maxEntryBytes", maxEntryBytes, 1.5 * mebibyte);
  if (bytes > 256 * mebibyte) throw invalidArgument(`maxEntryBytes is at most 268435456: it is ${bytes}`);
  return bytes;
}

/** Bytes. */
export const mebibyte: number = 2 ** 20;
