import { idBytes } from "../client-id.js";

/**
 * The counter of an entry that the process of this incarnation has proposed, or undefined for anybody else's. Reads no
 * more than the id, which is what every entry begins with.
 *
 * @param incarnation 16 bytes.
 */
export function ownCounter(entry: Uint8Array, incarnation: Uint8Array): number | undefined {
  if (entry[0] !== firstField || entry[2] !== firstField || entry[3] !== idBytes) return undefined;
  for (let at = 0; at < idBytes; at++) {
    if (entry[idStart + at] !== incarnation[at]) return undefined;
  }
  const end = idStart + idBytes;
  return entry[end] === secondField ? readVarint(entry, end + 1) : undefined;
}

/** Tags of protobuf: field 1 of bytes, field 2 of a varint. */
const firstField = 0x0a;
const secondField = 0x10;

/** Behind the tags and lengths of the id and of its incarnation. */
const idStart = 4;

function readVarint(bytes: Uint8Array, start: number): number | undefined {
  let value = 0;
  for (let at = start, unit = 1; unit <= Number.MAX_SAFE_INTEGER; at++, unit *= 128) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * unit;
    if (byte < 0x80) return value;
  }
  return undefined;
}
