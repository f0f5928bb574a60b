import { crc32c } from "./crc32c.js";
import { readUint64, writeUint64 } from "./uint64.js";

/** What was appended at once. */
export interface Frame {
  /** 1, 2, 3, ... through all segments. */
  readonly batch: number;
  /** The position of the first entry; the others follow one by one. */
  readonly firstOp: number;
  /** At least one. */
  readonly entries: readonly Uint8Array[];
}

/** What stands before the entries of a frame. */
export interface FrameHeader {
  /** Bytes of the entries with their lengths; never 0, as a zero-filled tail must not be a frame. */
  readonly payloadBytes: number;
  readonly payloadChecksum: number;
  readonly batch: number;
  readonly firstOp: number;
}

/** Bytes of a frame's header. */
export const frameHeaderBytes = 28;

/**
 * The frame as bytes, numbers lowest byte first: bytes (4) and CRC-32C (4) of the payload, batch (8), op of the first entry
 * (8), CRC-32C of the header up to here (4), then the payload: each entry behind its length (4).
 *
 * The checksum of the header starts from the segment's random `salt`: so bytes in an entry, which a client has chosen,
 * and bytes of another segment do not look like a header of this one.
 */
export function encodeFrame({ batch, firstOp, entries }: Frame, salt: number): Buffer {
  const payloadBytes = entries.reduce((sum, { byteLength }) => sum + entryLengthBytes + byteLength, 0);
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + payloadBytes);
  let at = frameHeaderBytes;
  for (const entry of entries) {
    bytes.writeUInt32LE(entry.byteLength, at);
    bytes.set(entry, at + entryLengthBytes);
    at += entryLengthBytes + entry.byteLength;
  }
  bytes.writeUInt32LE(payloadBytes, 0);
  bytes.writeUInt32LE(crc32c(bytes.subarray(frameHeaderBytes)), 4);
  writeUint64(bytes, batch, 8);
  writeUint64(bytes, firstOp, 16);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, checkedBytes), salt), checkedBytes);
  return bytes;
}

/** The frame header that begins at `at`, or undefined if there is none. The bytes go on for a header's length at least. */
export function decodeFrameHeader(bytes: Buffer, at: number, salt: number): FrameHeader | undefined {
  const payloadBytes = bytes.readUInt32LE(at);
  const checksum = bytes.readUInt32LE(at + checkedBytes);
  if (payloadBytes === 0 || crc32c(bytes.subarray(at, at + checkedBytes), salt) !== checksum)
    return undefined;
  return {
    payloadBytes,
    payloadChecksum: bytes.readUInt32LE(at + 4),
    batch: readUint64(bytes, at + 8),
    firstOp: readUint64(bytes, at + 16),
  };
}

/** The entries of a payload, as copies; undefined if it is not the payload that the header is of. */
export function decodePayload(payload: Buffer, header: FrameHeader): Uint8Array[] | undefined {
  if (payload.length !== header.payloadBytes || crc32c(payload) !== header.payloadChecksum) return undefined;
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at + entryLengthBytes <= payload.length) {
    const end = at + entryLengthBytes + payload.readUInt32LE(at);
    if (end > payload.length) return undefined;
    // A copy: whoever keeps a few bytes of a view would keep all that was read with it.
    entries.push(new Uint8Array(payload.subarray(at + entryLengthBytes, end)));
    at = end;
  }
  return at === payload.length ? entries : undefined;
}

/** Whether the header of a later batch than `batch`, by at most `maxAhead`, begins anywhere in the bytes. */
export function hasLaterHeader(bytes: Buffer, batch: number, maxAhead: number, salt: number): boolean {
  for (let at = 0; at + frameHeaderBytes <= bytes.length; at++) {
    // Before the checksum, as it takes a while for a file full of other things.
    const ahead = readUint64(bytes, at + 8) - batch;
    if (ahead > 0 && ahead <= maxAhead && decodeFrameHeader(bytes, at, salt) !== undefined) return true;
  }
  return false;
}

const entryLengthBytes = 4;
/** The checksum of the header is over what comes before it. */
const checkedBytes = frameHeaderBytes - 4;
