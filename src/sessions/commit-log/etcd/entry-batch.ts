import { Code } from "../../../../internal/errors/code.js";
import { QuorateError } from "../../../../internal/errors/quorate-error.js";

/** The first byte of a batch; another layout will have another one. */
const format = 1;
const lengthBytes = 4;

/** Bytes of a batch of these entries. */
export function batchBytes(entries: readonly Uint8Array[]): number {
  return entries.reduce((sum, { byteLength }) => sum + lengthBytes + byteLength, 1);
}

/** The entries as one value: the format (1), then each behind its length (4, lowest byte first). */
export function encodeBatch(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(batchBytes(entries));
  const view = new DataView(bytes.buffer);
  bytes[0] = format;
  let at = 1;
  for (const entry of entries) {
    view.setUint32(at, entry.byteLength, true);
    bytes.set(entry, at + lengthBytes);
    at += lengthBytes + entry.byteLength;
  }
  return bytes;
}

/**
 * The entries of a batch, which share its bytes.
 * @throws QuorateError DataLoss, `LOG_CORRUPT`, for what no version writes; Unimplemented, `UNKNOWN_ENTRY`, for another format.
 */
export function decodeBatch(bytes: Uint8Array, name: string): Uint8Array[] {
  if (bytes[0] !== format) {
    const message = `quorate: the batch ${name} of the log has the format ${bytes[0]}; this version knows ${format}`;
    throw new QuorateError(Code.Unimplemented, message, { reason: "UNKNOWN_ENTRY" });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  let at = 1;
  while (at < bytes.byteLength) {
    const end = at + lengthBytes <= bytes.byteLength ? at + lengthBytes + view.getUint32(at, true) : Infinity;
    if (end > bytes.byteLength) throw damaged(name);
    entries.push(bytes.subarray(at + lengthBytes, end));
    at = end;
  }
  if (entries.length === 0) throw damaged(name);
  return entries;
}

function damaged(name: string): QuorateError {
  const message = `quorate: the batch ${name} of the log is not as it was written`;
  return new QuorateError(Code.DataLoss, message, { reason: "LOG_CORRUPT" });
}
