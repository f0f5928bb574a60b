import { type LogFile, readFully } from "./file-system.js";
import { decodeFrameHeader, decodePayload, frameHeaderBytes } from "./frame.js";

/** A frame in its place, or what stands where one was due. */
export type ReadFrame =
  | {
      readonly kind: "frame";
      readonly firstOp: number;
      readonly entries: readonly Uint8Array[];
      /** Bytes with the header. */
      readonly bytes: number;
    }
  | {
      /** Bytes that a write may have left that did not come to its end. */
      readonly kind: "torn";
      readonly why: string;
    }
  | {
      /** Bytes that were written whole, but are not what belongs there. */
      readonly kind: "wrong";
      readonly why: string;
    };

/** What the frame at some place has to be. */
export interface DueFrame {
  readonly offset: number;
  readonly batch: number;
  readonly firstOp: number;
}

/** Reads one frame after the other, the file in large pieces. */
export class FrameReader {
  readonly #file: LogFile;
  readonly #salt: number;
  #piece: Buffer = Buffer.alloc(0);
  #pieceAt = 0;

  constructor(file: LogFile, salt: number) {
    this.#file = file;
    this.#salt = salt;
  }

  /** The frame at `due.offset` of a file that is read up to `end`; `due.offset` is below it. */
  async read(due: DueFrame, end: number): Promise<ReadFrame> {
    const start = await this.#view(due.offset, frameHeaderBytes, end);
    if (start === undefined) return torn("the header of a frame is cut off");
    const header = decodeFrameHeader(start, 0, this.#salt);
    if (header === undefined) return torn("there is no header of a frame");
    const { batch, firstOp, payloadBytes } = header;
    if (batch !== due.batch) return wrong(`it has batch ${batch} where ${due.batch} is due`);
    if (firstOp !== due.firstOp) return wrong(`it has op ${firstOp} where ${due.firstOp} is due`);
    const payload = await this.#view(due.offset + frameHeaderBytes, payloadBytes, end);
    if (payload === undefined) return torn("the entries of a frame are cut off");
    const entries = decodePayload(payload, header);
    if (entries === undefined) return torn("the entries of a frame are not those that its header is of");
    return { kind: "frame", firstOp, entries, bytes: frameHeaderBytes + payloadBytes };
  }

  async #view(at: number, length: number, end: number): Promise<Buffer | undefined> {
    if (at + length > end) return undefined;
    if (at < this.#pieceAt || at + length > this.#pieceAt + this.#piece.length) {
      this.#piece = await readFully(this.#file, at, Math.min(Math.max(length, pieceBytes), end - at));
      this.#pieceAt = at;
    }
    const from = at - this.#pieceAt;
    return from + length > this.#piece.length ? undefined : this.#piece.subarray(from, from + length);
  }
}

const pieceBytes = 2 ** 18;

function torn(why: string): ReadFrame {
  return { kind: "torn", why };
}

function wrong(why: string): ReadFrame {
  return { kind: "wrong", why };
}
