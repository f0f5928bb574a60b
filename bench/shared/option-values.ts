import { resolve } from "node:path";
import { parseDuration } from "./parse-duration.js";
import { RefusedOption } from "./refused-option.js";

/** The value of an option that is an integer. */
export function readInteger(
  name: string,
  text: string | undefined,
  byDefault: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return byDefault;
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new RefusedOption(`--${name} must be an integer from ${min} to ${max}, not "${text}"`);
}

/** The value of an option that is a time, in milliseconds: at most a day. */
export function readDuration(
  name: string,
  text: string | undefined,
  byDefaultMs: number,
  minMs: number,
): number {
  if (text === undefined) return byDefaultMs;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= minMs && ms <= maxDurationMs) return ms;
  throw new RefusedOption(
    `--${name} must be a time such as 500ms, 2s, 1m or 500 (milliseconds), from ${minMs} ms to 24 hours, not "${text}"`,
  );
}

/** The value of an option that names some of the names, in the order in which those are; all if it was not given. */
export function readNames(
  name: string,
  given: readonly string[] | undefined,
  names: readonly string[],
): string[] {
  const stranger = given?.find((one) => !names.includes(one));
  if (stranger === undefined) return names.filter((one) => given?.includes(one) ?? true);
  throw new RefusedOption(`--${name} "${stranger}" is none of ${names.join(", ")}`);
}

/** The value of an option that is a path, from the root on; undefined if it was not given. */
export function readPath(name: string, text: string | undefined): string | undefined {
  if (text === "") throw new RefusedOption(`--${name} must be a path`);
  return text === undefined ? undefined : resolve(text);
}

const maxDurationMs = 24 * 60 * 60 * 1_000;
