import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";

/** The limits of the sessions. They stand in the log, so they are the same on every server. */
export interface SessionLimits {
  /** Sessions at once; the one that was used least recently makes room. 4,096 by default. */
  readonly maxSessions: number;
  /**
   * Sessions of one user; the one of its own that was used least recently makes room. A quarter of `maxSessions` by
   * default. Does not apply to the user "", whom everybody is who need not log in.
   */
  readonly maxSessionsPerUser: number;
  /** Requests of a session whose replies are not consumed. 64 by default. */
  readonly maxInFlight: number;
  /** Bytes of one request. 1 MiB by default. */
  readonly maxRequestBytes: number;
  /** Bytes of one reply, and of the kept replies at which a session takes no new request. 1 MiB by default. */
  readonly maxReplyBytes: number;
  /** How long, by the log's age, a session stays without use. 600,000 by default. */
  readonly idleTimeoutMs: number;
  /** How long, by the log's age, a guarded handler has for its result. 60,000 by default. */
  readonly guardTimeoutMs: number;
  /** The step of the log's age. 15,000 by default. */
  readonly tickMs: number;
}

/** The limits that a server is started with; what is left out is taken from the log. */
export type SessionLimitOptions = {
  readonly [Name in keyof SessionLimits]?: SessionLimits[Name] | undefined;
};

/** What other parts of a server allow. */
export interface SizeBounds {
  /** Bytes of one entry of the commit log. */
  readonly maxEntryBytes: number;
  /** Bytes of one message on a stream. */
  readonly maxMessageBytes: number;
}

/** Bytes that an entry or an envelope may have beside a payload or a reply: ids, numbers, names. */
export const overheadBytes = 1_024;

/** The names of the limits. */
export const limitNames: readonly (keyof SessionLimits)[] = [
  "maxSessions",
  "maxSessionsPerUser",
  "maxInFlight",
  "maxRequestBytes",
  "maxReplyBytes",
  "idleTimeoutMs",
  "guardTimeoutMs",
  "tickMs",
];

/**
 * The limits that a server proposes for a new log: its options, and the defaults for the others.
 *
 * @throws QuorateError InvalidArgument for limits that contradict each other.
 */
export function proposedLimits(options: SessionLimitOptions = {}): SessionLimits {
  const maxSessions = options.maxSessions ?? 4_096;
  const limits: SessionLimits = {
    maxSessions,
    maxSessionsPerUser: options.maxSessionsPerUser ?? Math.max(1, Math.floor(maxSessions / 4)),
    maxInFlight: options.maxInFlight ?? 64,
    maxRequestBytes: options.maxRequestBytes ?? 1_048_576,
    maxReplyBytes: options.maxReplyBytes ?? 1_048_576,
    idleTimeoutMs: options.idleTimeoutMs ?? 600_000,
    guardTimeoutMs: options.guardTimeoutMs ?? 60_000,
    tickMs: options.tickMs ?? 15_000,
  };
  const problem = limitsProblem(limits);
  if (problem !== undefined) throw invalidArgument(problem);
  return limits;
}

/** What is wrong with the limits by themselves, or undefined. */
export function limitsProblem(limits: SessionLimits): string | undefined {
  const odd = limitNames.find((name) => !isLimit(limits[name]));
  if (odd !== undefined) return `the limit ${odd} is ${limits[odd]}; it must be an integer from 1 to 2^32-1`;
  const { maxSessions, maxSessionsPerUser, guardTimeoutMs, tickMs, idleTimeoutMs } = limits;
  if (maxSessionsPerUser > maxSessions) {
    return `maxSessionsPerUser is ${maxSessionsPerUser}, which is above maxSessions, ${maxSessions}`;
  }
  if (guardTimeoutMs + 2 * tickMs >= idleTimeoutMs) {
    return (
      `guardTimeoutMs, ${guardTimeoutMs}, and two times tickMs, ${tickMs}, must be less than idleTimeoutMs, ` +
      `${idleTimeoutMs}: else a session could end before the verdict on its request`
    );
  }
  return undefined;
}

/**
 * Refuses to start a server whose options differ from the limits in the log: it would not be told of it otherwise.
 *
 * @throws QuorateError FailedPrecondition, `LIMITS_DIFFER`, which names the limits.
 */
export function checkLimitOptions(options: SessionLimitOptions, inLog: SessionLimits): void {
  const differences = limitNames
    .filter((name) => options[name] !== undefined && options[name] !== inLog[name])
    .map((name) => `${name} is ${options[name]}, and ${inLog[name]} in the log`);
  if (differences.length === 0) return;
  throw new QuorateError(
    Code.FailedPrecondition,
    `quorate: the limits of the sessions stand in the log: ${differences.join("; ")}; leave them out, or change them there`,
    { reason: "LIMITS_DIFFER" },
  );
}

/**
 * Refuses to start a server that could not send or append what the limits allow.
 *
 * @throws QuorateError InvalidArgument that names the limit.
 */
export function checkSizes(limits: SessionLimits, { maxEntryBytes, maxMessageBytes }: SizeBounds): void {
  for (const name of ["maxRequestBytes", "maxReplyBytes"] as const) {
    const size = limits[name] + overheadBytes;
    if (size > maxEntryBytes) throw tooLarge(name, limits[name], "an entry of the log", maxEntryBytes);
    if (size > maxMessageBytes) throw tooLarge(name, limits[name], "a message", maxMessageBytes);
  }
}

function tooLarge(name: string, value: number, what: string, bytes: number): QuorateError {
  return invalidArgument(
    `${name} is ${value}, but ${what} has at most ${bytes} bytes, ${overheadBytes} of them for ids and names`,
  );
}

function isLimit(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 0xffff_ffff;
}
