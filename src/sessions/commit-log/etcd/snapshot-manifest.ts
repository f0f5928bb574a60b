import { bytesOf, fixedWidth, textOf } from "./etcd-keys.js";

/** Which snapshot is stored, and of what it consists. */
export interface SnapshotManifest {
  readonly op: number;
  /** What its chunks are found by: the time at which it was begun, in milliseconds, and something random. */
  readonly id: string;
  readonly chunks: number;
  readonly bytes: number;
  /** CRC-32C of all bytes. */
  readonly checksum: number;
}

/** The value before there is a snapshot, so that values can be compared. */
export const noSnapshot: Uint8Array = fixedWidth(0);

/** A value whose order as bytes is that of the positions. */
export function encodeManifest({ op, id, chunks, bytes, checksum }: SnapshotManifest): Uint8Array {
  return bytesOf(`${textOf(fixedWidth(op))} ${id} ${chunks} ${bytes} ${checksum}`);
}

/** What a value says: "none" if there is no snapshot yet, undefined if it is no manifest. */
export function decodeManifest(value: Uint8Array): SnapshotManifest | "none" | undefined {
  const text = textOf(value);
  if (text === textOf(noSnapshot)) return "none";
  const match = /^(\d{16}) ([0-9a-f]+-[0-9a-f]+) (\d{1,10}) (\d{1,15}) (\d{1,10})$/.exec(text);
  if (match === null) return undefined;
  const [, op, id = "", chunks, bytes, checksum] = match;
  return { op: Number(op), id, chunks: Number(chunks), bytes: Number(bytes), checksum: Number(checksum) };
}

/** When a snapshot was begun, in milliseconds of its writer's clock; undefined for an id of another kind. */
export function begunMs(id: string): number | undefined {
  const match = /^([0-9a-f]{1,12})-/.exec(id);
  return match?.[1] === undefined ? undefined : Number.parseInt(match[1], 16);
}
