import { type FileHeader, fileHeaderBytes } from "./file-header.js";
import type { DueFrame } from "./frame-reader.js";

/** One file of frames: its name, what its header says, and how far it is filled. */
export class Segment {
  readonly name: string;
  /** The position of the last entry before it. */
  readonly baseOp: number;
  readonly salt: number;
  #next: DueFrame;
  #lastFrame: number | undefined;
  readonly #index: DueFrame[];

  constructor({ batch, op, salt }: Pick<FileHeader, "batch" | "op" | "salt">) {
    this.name = segmentName(batch);
    this.baseOp = op;
    this.salt = salt;
    this.#next = { offset: fileHeaderBytes, batch, firstOp: op + 1 };
    this.#index = [this.#next];
  }

  /** The place of the next frame; all before it is durable. */
  get next(): DueFrame {
    return this.#next;
  }

  /** Where the last frame begins, or undefined if there is none. */
  get lastFrame(): number | undefined {
    return this.#lastFrame;
  }

  /** The position of the last entry up to its end. */
  get lastOp(): number {
    return this.#next.firstOp - 1;
  }

  /** A frame of so many entries stands at the end, in so many bytes. */
  extend(entries: number, bytes: number): void {
    const { offset, batch, firstOp } = this.#next;
    const indexed = this.#index.at(-1);
    if (indexed !== undefined && offset - indexed.offset >= indexEveryBytes) this.#index.push(this.#next);
    this.#lastFrame = offset;
    this.#next = { offset: offset + bytes, batch: batch + 1, firstOp: firstOp + entries };
  }

  /** A frame from which on all entries above `op` are found; `op` is not below the base. */
  frameBefore(op: number): DueFrame {
    let [low, high] = [0, this.#index.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#index[middle] as DueFrame).firstOp <= op + 1) low = middle;
      else high = middle - 1;
    }
    return this.#index[low] as DueFrame;
  }
}

/** The name of the segment that begins with this batch. They sort as the batches do. */
export function segmentName(batch: number): string {
  return `segment-${String(batch).padStart(16, "0")}`;
}

/** The number of the first batch of the segment of this name, or undefined if it is no name of one. */
export function batchOfSegment(name: string): number | undefined {
  const digits = /^segment-(\d{16})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Far enough apart that the index of a segment of usual size is a few hundred places. */
const indexEveryBytes = 2 ** 16;
