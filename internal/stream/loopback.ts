import { Code } from "../errors/code.js";
import type { Metadata } from "../wire/metadata.js";
import type { BidiStream, BidiStreamEvents, StreamStatus } from "./bidi-stream.js";

/** The two ends of a stream within one process. */
export interface Loopback {
  readonly dialling: BidiStream;
  readonly accepting: BidiStream;
  /** Ends both sides at once, as a broken connection does. */
  breakOff(): void;
}

/**
 * A stream within one process, with the manners of a real one: messages are copies, nothing is told in the call
 * that caused it, and a reader that stops stops the writer.
 * @param headers what the accepting end sends as initial headers
 * @param closed called once both ends are over
 * @param left called once the dialling end is over, also while nobody has opened the accepting one
 */
export function createLoopback(
  headers: Metadata,
  closed: () => void = () => {},
  left: () => void = () => {},
): Loopback {
  let open = 2;
  const over = () => {
    open -= 1;
    if (open === 0) closed();
  };
  const dialling = new LoopbackEnd("dialling", () => {
    left();
    over();
  });
  const accepting = new LoopbackEnd("accepting", over);
  dialling.connect(accepting);
  accepting.connect(dialling);
  dialling.put((events) => events.accepted(headers), undefined);
  const breakOff = () => {
    dialling.tellEnd({ code: Code.Unavailable, message: "the connection broke" }, true);
    accepting.tellEnd({ code: Code.Canceled, message: "the peer is gone or canceled the stream" }, true);
  };
  return { dialling, accepting, breakOff };
}

/** Messages that an end takes in while nobody reads; more wait in the writer. */
const window = 16;

type Event = (events: BidiStreamEvents) => void;

class LoopbackEnd implements BidiStream {
  readonly #side: "dialling" | "accepting";
  #peer: LoopbackEnd | undefined;
  #events: BidiStreamEvents | undefined;
  #inbox: { readonly event: Event; readonly taken: (() => void) | undefined }[] = [];
  #taken = 0;
  #reading = true;
  /** The connection is gone, which is told whether or not anybody reads. */
  #broken = false;
  #scheduled = false;
  #over = false;
  readonly #closed: () => void;

  constructor(side: "dialling" | "accepting", closed: () => void) {
    this.#side = side;
    this.#closed = closed;
  }

  connect(peer: LoopbackEnd): void {
    this.#peer = peer;
  }

  open(events: BidiStreamEvents): void {
    this.#events = events;
    this.#schedule();
  }

  write(bytes: Uint8Array, written: () => void): void {
    const copy = Uint8Array.prototype.slice.call(bytes);
    this.#peer?.put(
      (events) => events.message(copy),
      () => {
        if (!this.#over) written();
      },
    );
  }

  setReading(on: boolean): void {
    this.#reading = on;
    if (on) this.#schedule();
  }

  end(status: StreamStatus): void {
    if (this.#side === "dialling") this.#peer?.put((events) => events.halfClosed(), undefined);
    else this.#endBoth(status);
  }

  cancel(status: StreamStatus): void {
    this.#finish();
    this.#peer?.tellEnd(status, this.#side === "dialling");
  }

  /** Queues an event for this end, behind what is there; `taken` tells its writer that there is room for more. */
  put(event: Event, taken: (() => void) | undefined): void {
    if (this.#over) return;
    this.#inbox.push({ event, taken });
    this.#schedule();
  }

  /** Ends this end: behind what it has not read yet or, as a reset does, before. */
  tellEnd(status: StreamStatus, now: boolean): void {
    if (this.#over) return;
    if (now) {
      this.#inbox = [];
      this.#taken = 0;
      this.#broken = true;
    }
    this.put((events) => {
      this.#finish();
      events.ended(status);
    }, undefined);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#inbox = [];
    this.#closed();
  }

  #endBoth(status: StreamStatus): void {
    this.#peer?.tellEnd(status, false);
    this.tellEnd(status, true);
  }

  #schedule(): void {
    if (this.#scheduled || this.#events === undefined) return;
    this.#scheduled = true;
    // A turn of the event loop, not a microtask: calls to oneself must not starve input and output.
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const batch = this.#inbox.length;
    for (let at = 0; at < batch && this.#inbox.length > 0; at++) {
      if (this.#over || this.#events === undefined) return;
      this.#takeIn();
      if (!this.#reading && !this.#broken) return;
      const next = this.#inbox.shift();
      if (this.#taken > 0) this.#taken -= 1;
      else next?.taken?.();
      next?.event(this.#events);
    }
    this.#takeIn();
    if (this.#inbox.length > 0 && this.#reading) this.#schedule();
  }

  /** Acknowledges the first messages of the inbox, as buffers on the way would. */
  #takeIn(): void {
    while (this.#taken < Math.min(window, this.#inbox.length)) {
      this.#inbox[this.#taken++]?.taken?.();
    }
  }
}
