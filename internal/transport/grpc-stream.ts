import type { ClientDuplexStream, ServerDuplexStream, StatusObject } from "@grpc/grpc-js";
import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { Code, codeFromNumber } from "../errors/code.js";
import type { BidiStream, BidiStreamEvents, StreamStatus } from "../stream/bidi-stream.js";
import { Metadata } from "../wire/metadata.js";
import type { ConnectionTls, DialledStream } from "./transport.js";

/** Path of the one method (F-01). */
export const nodeStreamPath = "/stream.Gorums/NodeStream";

/** How much later than its half-close the reset of a canceled stream may come, in milliseconds. */
const cancelLagMs = 10;

/** What both ends of a stream of grpc-js have in common. */
type GrpcCall = ClientDuplexStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** The stream's bytes are envelopes already. */
export function identity(bytes: Buffer): Buffer {
  return bytes;
}

/** A stream that we dialled. `released` is called once it is over, to let go of its connection. */
export class DialledGrpcStream implements DialledStream {
  /** Set once it is known, before the stream is handed over. */
  tls: ConnectionTls | undefined;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #released: () => void;
  #events: BidiStreamEvents | undefined;
  #headers: Metadata | undefined;
  /** How the stream ended, until it is told. */
  #untold: StreamStatus | undefined;
  #over = false;

  constructor(call: ClientDuplexStream<Buffer, Buffer>, released: () => void) {
    this.#call = call;
    this.#released = released;
    call.once("metadata", (headers: GrpcMetadata) => {
      this.#headers = fromGrpcMetadata(headers);
      if (!this.#over) this.#events?.accepted(this.#headers);
    });
    call.once("status", (status: StatusObject) => this.#end(toStreamStatus(status)));
    // The status says the same; without a listener the error would end the process.
    call.on("error", () => {});
  }

  open(events: BidiStreamEvents): void {
    this.#events = events;
    queueMicrotask(() => {
      if (this.#untold !== undefined) events.ended(this.#untold);
      if (this.#over) return;
      if (this.#headers !== undefined) events.accepted(this.#headers);
      this.#call.on("data", (bytes: Buffer) => {
        if (!this.#over) events.message(bytes);
      });
    });
  }

  write(bytes: Uint8Array, written: () => void): void {
    writeTo(this.#call, bytes, () => {
      if (!this.#over) written();
    });
  }

  setReading(on: boolean): void {
    setFlowing(this.#call, on);
  }

  end(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#over = true;
    this.#call.cancel();
    this.#released();
  }

  #end(status: StreamStatus): void {
    if (this.#over) return;
    this.#over = true;
    this.#released();
    if (this.#events === undefined) this.#untold = status;
    else this.#events.ended(status);
  }
}

/** A stream that a peer opened. */
export class AcceptedGrpcStream implements BidiStream {
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #gone = new AbortController();
  #events: BidiStreamEvents | undefined;
  #over = false;

  constructor(call: ServerDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    call.on("error", () => {});
    call.once("cancelled", () => {
      this.#gone.abort();
      this.#lost();
    });
  }

  /** Ends when the peer is gone, also while nobody has opened the stream. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  open(events: BidiStreamEvents): void {
    this.#events = events;
    queueMicrotask(() => {
      if (this.#over) return;
      if (this.#call.cancelled) return this.#lost();
      this.#call.on("data", (bytes: Buffer) => {
        if (!this.#over) events.message(bytes);
      });
      this.#call.once("end", () => this.#afterCancel(() => events.halfClosed()));
    });
  }

  write(bytes: Uint8Array, written: () => void): void {
    writeTo(this.#call, bytes, () => {
      if (!this.#over) written();
    });
  }

  setReading(on: boolean): void {
    setFlowing(this.#call, on);
  }

  end(status: StreamStatus): void {
    this.cancel(status);
    queueMicrotask(() => this.#events?.ended(status));
  }

  cancel({ code, message }: StreamStatus): void {
    if (this.#over) return;
    this.#over = true;
    // What still comes is taken in and dropped, so that flow control does not hold the status back.
    this.#call.resume();
    if (code === Code.Ok) this.#call.end();
    else this.#call.emit("error", { code, details: message, metadata: new GrpcMetadata() });
  }

  /**
   * `end` comes with a cancel and a loss too, before `cancelled` (J-23): a Node client that cancels half-closes in one
   * packet and resets in the next. A reset that is later still leaves the requests running, as a half-close does.
   */
  #afterCancel(halfClosed: () => void): void {
    const look = () => {
      if (!this.#over && !this.#call.cancelled) halfClosed();
    };
    // Behind the timer comes a turn of reading, should the process have been busy.
    setTimeout(() => setImmediate(look), cancelLagMs).unref();
  }

  #lost(): void {
    if (this.#over || this.#events === undefined) return;
    this.#over = true;
    this.#events.ended({ code: Code.Canceled, message: "the peer is gone or canceled the stream" });
  }
}

/** Metadata that was checked by `checkStreamHeaders`, as HTTP/2 headers. */
export function toGrpcMetadata(metadata: Metadata): GrpcMetadata {
  const headers = new GrpcMetadata();
  for (const [key, value] of metadata) headers.add(key, value);
  return headers;
}

/** Headers as metadata; binary ones (`-bin`) as base64. */
export function fromGrpcMetadata(headers: GrpcMetadata): Metadata {
  const pairs: [string, string][] = [];
  for (const key of Object.keys(headers.getMap())) {
    for (const value of headers.get(key)) {
      pairs.push([key, typeof value === "string" ? value : value.toString("base64")]);
    }
  }
  return Metadata.from(pairs);
}

function toStreamStatus(status: StatusObject): StreamStatus {
  return { code: codeFromNumber(status.code), message: status.details };
}

/** A failed write is settled by the end of the stream, which says why (J-18). */
function writeTo(call: GrpcCall, bytes: Uint8Array, written: () => void): void {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  call.write(buffer, (error?: Error | null) => {
    if (!error) written();
  });
}

function setFlowing(call: GrpcCall, on: boolean): void {
  if (on) call.resume();
  else call.pause();
}
