import { Code } from "../../../internal/errors/code.js";
import type { BidiStream, BidiStreamEvents, StreamStatus } from "../../../internal/stream/bidi-stream.js";
import { FaultLane } from "./fault-lane.js";
import type { Faults } from "./faults.js";

/** The dialling end of a stream, with a bad network between it and the other end. */
export class FaultStream implements BidiStream {
  readonly #inner: BidiStream;
  readonly #faults: Faults;
  readonly #ended: (stream: FaultStream) => void;
  readonly #outbound: FaultLane;
  readonly #inbound: FaultLane;
  #events: BidiStreamEvents | undefined;
  #arrived: Uint8Array[] = [];
  #writing = false;
  /** Nothing is told any more. */
  #over = false;
  /** Nothing reaches the other end any more. */
  #gone = false;
  #release: ReturnType<typeof setTimeout> | undefined;

  constructor(inner: BidiStream, faults: Faults, ended: (stream: FaultStream) => void) {
    this.#inner = inner;
    this.#faults = faults;
    this.#ended = ended;
    this.#outbound = new FaultLane(faults, {
      lost: "request lost",
      late: "request late",
      duplicated: "request duplicated",
      overtaken: "request overtaken",
    });
    this.#inbound = new FaultLane(faults, {
      lost: "answer lost",
      late: "answer late",
      duplicated: "answer duplicated",
      overtaken: "answer overtaken",
    });
  }

  open(events: BidiStreamEvents): void {
    this.#events = events;
    this.#inner.open({
      accepted: (headers) => this.#inbound.follow(() => events.accepted(headers)),
      message: (bytes) => {
        if (!this.#over) this.#inbound.send(() => events.message(bytes));
      },
      halfClosed: () => {},
      ended: (status) => this.#innerEnded(status),
    });
  }

  write(bytes: Uint8Array, written: () => void): void {
    const copy = Uint8Array.from(bytes);
    this.#outbound.send(() => this.#arrive(copy));
    setImmediate(() => {
      if (!this.#over) written();
    });
  }

  setReading(on: boolean): void {
    if (!this.#gone) this.#inner.setReading(on);
  }

  end(status: StreamStatus): void {
    this.#outbound.follow(() => {
      if (!this.#gone) this.#inner.end(status);
    });
  }

  cancel(status: StreamStatus): void {
    if (this.#over) return;
    this.#finish();
    this.#leave(status, 0);
  }

  /** Ends it for this side now, and for the other one after so many milliseconds: until then it gets what was sent. */
  cut(otherSideAfterMs: number): void {
    if (this.#over) return;
    this.#finish();
    setImmediate(() => this.#events?.ended({ code: Code.Unavailable, message: "the connection was cut" }));
    this.#leave({ code: Code.Canceled, message: "the connection was cut" }, otherSideAfterMs);
  }

  #innerEnded(status: StreamStatus): void {
    this.#gone = true;
    clearTimeout(this.#release);
    this.#outbound.clear();
    if (this.#over) return;
    // The end may overtake answers, as that of a broken connection does, or come behind them.
    if (this.#faults.integer(0, 1) === 0) this.#inbound.clear();
    this.#inbound.follow(() => {
      if (this.#over) return;
      this.#finish();
      this.#events?.ended(status);
    });
  }

  #finish(): void {
    this.#over = true;
    this.#inbound.clear();
    this.#ended(this);
  }

  #leave(status: StreamStatus, afterMs: number): void {
    if (this.#gone) return;
    const leave = () => {
      this.#gone = true;
      this.#outbound.clear();
      this.#inner.cancel(status);
    };
    if (afterMs === 0) leave();
    else this.#release = setTimeout(leave, afterMs);
  }

  #arrive(bytes: Uint8Array): void {
    this.#arrived.push(bytes);
    this.#pump();
  }

  #pump(): void {
    const next = this.#writing || this.#gone ? undefined : this.#arrived.shift();
    if (next === undefined) return;
    this.#writing = true;
    this.#inner.write(next, () => {
      this.#writing = false;
      this.#pump();
    });
  }
}
