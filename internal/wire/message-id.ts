/**
 * The largest call number that quorate uses or accepts: what a JavaScript number holds exactly. A stream that
 * made a million calls a second would need 285 years to reach it.
 */
export const maxCallNumber: number = Number.MAX_SAFE_INTEGER;

/**
 * The number of a call as the wire has it (F-05, F-06): the high bit of the uint64 is kept apart as a flag,
 * because a JavaScript number cannot hold both.
 */
export interface MessageId {
  /** 1 to 2^53-1. */
  readonly number: number;
  /** Whether the accepting side of the stream made the call. */
  readonly serverInitiated: boolean;
}

/** Bytes of the id as a varint. The high bit makes it ten. */
export function messageIdSize(number: number, serverInitiated: boolean): number {
  if (serverInitiated) return 10;
  let size = 1;
  for (let rest = number; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** Writes the id as a varint at `offset`; returns the offset behind it. */
export function writeMessageId(
  bytes: Uint8Array,
  offset: number,
  number: number,
  serverInitiated: boolean,
): number {
  let at = offset;
  let rest = number;
  if (!serverInitiated) {
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
    bytes[at++] = rest;
    return at;
  }
  // Nine groups of seven bits hold the lower 63 bits; the tenth holds the high bit alone.
  for (let group = 0; group < 9; group++, rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
  bytes[at++] = 1;
  return at;
}

let lastNumber = 0;

/** The next call number of this process: 1, 2, 3, ... One counter, so that a number is unique on every stream. */
export function nextCallNumber(): number {
  lastNumber += 1;
  return lastNumber;
}
