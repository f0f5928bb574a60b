/** A range of keys: from the first one to the one behind the last. */
export interface KeyRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** The keys of one log. All begin with its prefix. */
export interface EtcdKeys {
  /** The bytes before all entries. */
  readonly genesis: Uint8Array;
  /** Put with each batch; the value is how many entries that has. */
  readonly head: Uint8Array;
  /** The highest position that was forgotten, as {@link fixedWidth} has it; only ever raised. */
  readonly floor: Uint8Array;
  /** Which snapshot there is; see `snapshot-manifest.ts`. */
  readonly manifest: Uint8Array;
  readonly batches: KeyRange;
  readonly chunks: KeyRange;
  /** A batch of entries; put once. */
  batch(id: string): Uint8Array;
  chunk(snapshot: string, number: number): Uint8Array;
  chunksOf(snapshot: string): KeyRange;
  /** The id of the snapshot that a chunk belongs to. */
  snapshotOf(chunk: Uint8Array): string;
}

/** The keys below a prefix, which ends in "/". */
export function keysBelow(prefix: string): EtcdKeys {
  const chunks = `${prefix}snapshot/`;
  return {
    genesis: bytesOf(`${prefix}genesis`),
    head: bytesOf(`${prefix}head`),
    floor: bytesOf(`${prefix}floor`),
    manifest: bytesOf(`${prefix}snapshot`),
    batches: below(`${prefix}log/`),
    chunks: below(chunks),
    batch: (id) => bytesOf(`${prefix}log/${id}`),
    chunk: (snapshot, number) => bytesOf(`${chunks}${snapshot}/${String(number).padStart(8, "0")}`),
    chunksOf: (snapshot) => below(`${chunks}${snapshot}/`),
    snapshotOf: (chunk) => textOf(chunk).slice(chunks.length).split("/", 1)[0] ?? "",
  };
}

/** Entries of one batch, at most: all of them have the revision of their transaction. */
export const maxBatchEntries = 1024;

/** The position of an entry: unique, and growing with the revision and within the batch. */
export function positionOf(revision: bigint, index: number): number {
  return Number(revision) * maxBatchEntries + index;
}

/** The revision of the batch that a position is in. */
export function revisionAt(op: number): number {
  return Math.floor(op / maxBatchEntries);
}

/** A position as text whose order as bytes is that of positions, which is how etcd compares values. */
export function fixedWidth(op: number): Uint8Array {
  return bytesOf(String(op).padStart(16, "0"));
}

/** The number that {@link fixedWidth} or decimal text stands for; undefined for anything else. */
export function readNumber(value: Uint8Array | undefined): number | undefined {
  const text = value === undefined ? "" : textOf(value);
  if (!/^\d{1,16}$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** The bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of bytes; what is no UTF-8 becomes U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** All keys that begin with a text which ends in "/". */
function below(prefix: string): KeyRange {
  return { key: bytesOf(prefix), rangeEnd: bytesOf(`${prefix.slice(0, -1)}0`) };
}
