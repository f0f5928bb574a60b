import { messageIdSize, writeMessageId } from "./message-id.js";
import type { MetadataEntry } from "./metadata.js";
import { encodeStatus, type Status } from "./status.js";

/** The parts of an envelope that are the same for every peer that it goes to. */
export interface EnvelopeBody {
  readonly method: string;
  readonly entries?: readonly MetadataEntry[];
  readonly payload?: Uint8Array;
  /** Its bytes, if it was encoded before. */
  readonly status?: Status | Uint8Array | undefined;
}

/**
 * Encodes method, status, entries and payload. A call encodes its body once; each stream then puts the number
 * before and the time left after (fields may stand in any order).
 */
export function encodeBody({
  method,
  status,
  entries = noEntries,
  payload = noBytes,
}: EnvelopeBody): Uint8Array {
  const statusBytes = status === undefined || status instanceof Uint8Array ? status : encodeStatus(status);
  const methodLength = Buffer.byteLength(method);
  let size = fieldSize(methodLength) + fieldSize(payload.length);
  if (statusBytes !== undefined) size += delimitedSize(statusBytes.length);
  for (const entry of entries) size += delimitedSize(entrySize(entry));

  const bytes = Buffer.allocUnsafe(size);
  let at = writeString(bytes, 0, 0x12, method, methodLength);
  if (statusBytes !== undefined) at = writeBytes(bytes, at, 0x1a, statusBytes);
  for (const entry of entries) {
    bytes[at++] = 0x22;
    at = writeVarint32(bytes, at, entrySize(entry));
    at = writeString(bytes, at, 0x0a, entry.key, Buffer.byteLength(entry.key));
    at = writeString(bytes, at, 0x12, entry.value, Buffer.byteLength(entry.value));
  }
  if (payload.length > 0) writeBytes(bytes, at, 0x2a, payload);
  return bytes;
}

/**
 * A whole envelope: the number, the body and, on requests to a peer that takes it, the time left.
 * `timeoutMs` is a uint32; 0 leaves it out.
 */
export function encodeEnvelope(
  number: number,
  serverInitiated: boolean,
  body: Uint8Array,
  timeoutMs = 0,
): Uint8Array {
  const bytes = Buffer.allocUnsafe(envelopeSize(number, serverInitiated, body, timeoutMs));
  let at = 0;
  if (number !== 0 || serverInitiated) {
    bytes[at++] = 0x08;
    at = writeMessageId(bytes, at, number, serverInitiated);
  }
  bytes.set(body, at);
  at += body.length;
  if (timeoutMs > 0) {
    bytes[at++] = 0x80;
    bytes[at++] = 0x01;
    writeVarint32(bytes, at, timeoutMs);
  }
  return bytes;
}

/** Bytes of the envelope that {@link encodeEnvelope} makes of the same arguments. */
export function envelopeSize(
  number: number,
  serverInitiated: boolean,
  body: Uint8Array,
  timeoutMs = 0,
): number {
  const idSize = number === 0 && !serverInitiated ? 0 : 1 + messageIdSize(number, serverInitiated);
  return idSize + body.length + (timeoutMs > 0 ? 2 + varint32Size(timeoutMs) : 0);
}

/** The cancel of a call: its number and the mark, nothing else (wire.md, section 5). */
export function encodeCancel(number: number, serverInitiated: boolean): Uint8Array {
  return encodeEnvelope(number, serverInitiated, cancelMark);
}

/** The end of the replies to a request: its number and the mark, nothing else (wire.md, section 5). */
export function encodeEnd(number: number, serverInitiated: boolean): Uint8Array {
  return encodeEnvelope(number, serverInitiated, endMark);
}

const noBytes = new Uint8Array(0);
const noEntries: readonly MetadataEntry[] = [];
// Field 17 as a varint: true.
const cancelMark = Uint8Array.of(0x88, 0x01, 0x01);
// Field 18 as a varint: true.
const endMark = Uint8Array.of(0x90, 0x01, 0x01);

function entrySize(entry: MetadataEntry): number {
  return fieldSize(Buffer.byteLength(entry.key)) + fieldSize(Buffer.byteLength(entry.value));
}

/** An empty field is left out (implicit presence, F-02). */
function fieldSize(length: number): number {
  return length === 0 ? 0 : delimitedSize(length);
}

function delimitedSize(length: number): number {
  return 1 + varint32Size(length) + length;
}

function varint32Size(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

function writeVarint32(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}

function writeString(bytes: Buffer, offset: number, tag: number, text: string, length: number): number {
  if (length === 0) return offset;
  bytes[offset] = tag;
  const at = writeVarint32(bytes, offset + 1, length);
  return at + bytes.write(text, at, length, "utf8");
}

function writeBytes(bytes: Uint8Array, offset: number, tag: number, chunk: Uint8Array): number {
  bytes[offset] = tag;
  const at = writeVarint32(bytes, offset + 1, chunk.length);
  bytes.set(chunk, at);
  return at + chunk.length;
}
