import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { crc32c } from "./crc32c.js";
import { LogCorrupt } from "./log-errors.js";
import { readUint64, writeUint64 } from "./uint64.js";

/** What a file of the log is. */
export type FileKind = "genesis" | "segment" | "snapshot";

/** What stands before the contents of every file of the log. */
export interface FileHeader {
  readonly kind: FileKind;
  /** 16 random bytes, in all files of one log the same: a file of another log is not taken for one of this. */
  readonly logId: Uint8Array;
  /** Of a segment the position of the last entry before it; of a snapshot its position; of a genesis 0. */
  readonly op: number;
  /** Of a segment the number of its first batch, else 0. */
  readonly batch: number;
  /** Of a genesis or a snapshot what comes behind the header; of a segment, which grows, 0. */
  readonly bodyBytes: number;
  /** CRC-32C of that; of a segment 0. */
  readonly bodyChecksum: number;
  /** Of a segment where the checksums of its frame headers start (see `frame.ts`), else 0. */
  readonly salt: number;
}

/** Bytes of a header. */
export const fileHeaderBytes = 64;

/**
 * The header as bytes, numbers lowest byte first: magic (8), version (2), kind (1), 0 (1), log id (16), op (8), batch (8),
 * bytes (8) and CRC-32C (4) of the body, salt (4), CRC-32C of the header up to here (4). Every version keeps the places of
 * magic, version and last checksum.
 */
export function encodeFileHeader(header: FileHeader): Buffer {
  const bytes = Buffer.alloc(fileHeaderBytes);
  bytes.set(magic, 0);
  bytes.writeUInt16LE(version, 8);
  bytes[10] = kinds.indexOf(header.kind);
  bytes.set(header.logId, 12);
  writeUint64(bytes, header.op, 28);
  writeUint64(bytes, header.batch, 36);
  writeUint64(bytes, header.bodyBytes, 44);
  bytes.writeUInt32LE(header.bodyChecksum, 52);
  bytes.writeUInt32LE(header.salt, 56);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 60)), 60);
  return bytes;
}

/**
 * The header of the file of this name, which is to be of this kind.
 *
 * @throws LogCorrupt if it is none. QuorateError FailedPrecondition, `LOG_FORMAT`, if it is one of another version.
 */
export function decodeFileHeader(bytes: Buffer, file: string, kind: FileKind): FileHeader {
  if (bytes.length < fileHeaderBytes) throw new LogCorrupt(file, 0, "it has no whole header");
  if (!magic.equals(bytes.subarray(0, 8))) throw new LogCorrupt(file, 0, "it is no file of a commit log");
  if (crc32c(bytes.subarray(0, 60)) !== bytes.readUInt32LE(60)) {
    throw new LogCorrupt(file, 0, "the checksum of its header differs");
  }
  const written = bytes.readUInt16LE(8);
  if (written !== version) throw otherVersion(file, written);
  const header: FileHeader = {
    kind,
    logId: bytes.subarray(12, 28),
    op: readUint64(bytes, 28),
    batch: readUint64(bytes, 36),
    bodyBytes: readUint64(bytes, 44),
    bodyChecksum: bytes.readUInt32LE(52),
    salt: bytes.readUInt32LE(56),
  };
  if (bytes[10] !== kinds.indexOf(kind)) throw new LogCorrupt(file, 0, `it is not a ${kind}`);
  return header;
}

const version = 1;
/** Not a text, and neither a change of line ends nor of the eighth bit leaves it as it is. */
const magic = Buffer.from([0x89, 0x51, 0x4c, 0x4f, 0x47, 0x0d, 0x0a, 0x1a]);
const kinds: readonly (FileKind | undefined)[] = [undefined, "genesis", "segment", "snapshot"];

function otherVersion(file: string, written: number): QuorateError {
  return new QuorateError(
    Code.FailedPrecondition,
    `quorate: the file ${file} of the log has version ${written} of the format; this is version ${version}`,
    { reason: "LOG_FORMAT" },
  );
}
