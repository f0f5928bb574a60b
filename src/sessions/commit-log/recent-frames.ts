/** The entries of one frame. */
export interface FrameEntries {
  /** The position of the first of them. */
  readonly firstOp: number;
  readonly entries: readonly Uint8Array[];
}

/** The frames that were written last, so that who reads at the end of the log need not read them from the disk. */
export class RecentFrames {
  readonly #maxBytes: number;
  readonly #frames: { readonly frame: FrameEntries; readonly bytes: number }[] = [];
  #bytes = 0;

  /** @param maxBytes bytes of the frames that are kept; the last one is kept however large it is. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A frame of so many bytes was written, behind all others. */
  add(frame: FrameEntries, bytes: number): void {
    this.#frames.push({ frame, bytes });
    this.#bytes += bytes;
    while (this.#frames.length > maxFrames || (this.#bytes > this.#maxBytes && this.#frames.length > 1)) {
      this.#bytes -= this.#frames.shift()?.bytes ?? 0;
    }
  }

  /** The frame that begins right above `op`, if it is kept. */
  above(op: number): FrameEntries | undefined {
    return this.#frames.find(({ frame }) => frame.firstOp === op + 1)?.frame;
  }
}

/** Who is further behind reads from the disk, and searches nothing here for long. */
const maxFrames = 16;
