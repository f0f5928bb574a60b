import type { MemoryTransport } from "quorate/testing";
import type { BidiStream } from "../../internal/stream/bidi-stream.js";
import type { Listener } from "../../internal/transport/transport.js";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import type { Envelope } from "../../internal/wire/envelope.js";
import { Metadata } from "../../internal/wire/metadata.js";

/** A server that speaks the wire protocol by hand, and offers no features, as a Go server. */
export class RawServer {
  /** The messages that came, as they came. */
  readonly received: Uint8Array[] = [];
  readonly #listener: Listener;
  #stream: BidiStream | undefined;

  private constructor(listener: Listener) {
    this.#listener = listener;
    listener.accept(({ stream }) => {
      this.#stream = stream;
      stream.open({
        accepted: () => {},
        message: (bytes) => this.received.push(Uint8Array.from(bytes)),
        halfClosed: () => stream.end({ code: 0, message: "" }),
        ended: () => {
          this.#stream = undefined;
        },
      });
    });
  }

  static async listen(network: MemoryTransport): Promise<RawServer> {
    const limits = { maxReceiveBytes: 1 << 24, keepaliveMs: 20_000, keepaliveTimeoutMs: 10_000 };
    return new RawServer(await network.listen("127.0.0.1:0", { ...limits, headers: Metadata.empty }));
  }

  get address(): string {
    return this.#listener.address;
  }

  /** The envelopes that came. */
  get requests(): Envelope[] {
    return this.received.map((bytes) => decodeEnvelope(bytes));
  }

  /** Writes to the stream that is open. */
  write(bytes: Uint8Array): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) throw new Error("no stream is open");
    return new Promise((resolve) => stream.write(bytes, resolve));
  }
}
