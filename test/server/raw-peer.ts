import type { MemoryTransport } from "quorate/testing";
import type { BidiStream, StreamStatus } from "../../internal/stream/bidi-stream.js";
import { grpcTransport } from "../../internal/transport/grpc-transport.js";
import type { TlsSettings } from "../../internal/transport/tls-options.js";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { encodeBody, encodeEnvelope } from "../../internal/wire/encode-envelope.js";
import type { Envelope } from "../../internal/wire/envelope.js";
import { Metadata, type MetadataInit } from "../../internal/wire/metadata.js";
import { eventually } from "../helpers/eventually.js";

/** What a quorate peer offers; a Go one offers nothing. */
export const features = { "quorate-features": "deadline,cancel" };

/** A peer that speaks the wire protocol by hand, to say what no client of this library would. */
export class RawPeer implements AsyncDisposable {
  readonly received: Envelope[] = [];
  readonly #stream: BidiStream;
  status: StreamStatus | undefined;
  headers: Metadata | undefined;

  private constructor(stream: BidiStream) {
    this.#stream = stream;
    stream.open({
      accepted: (headers) => {
        this.headers = headers;
      },
      message: (bytes) => this.received.push(decodeEnvelope(bytes)),
      halfClosed: () => {},
      ended: (status) => {
        this.status = status;
      },
    });
  }

  static async dial(
    address: string,
    headers: MetadataInit,
    network?: MemoryTransport,
    tls?: TlsSettings,
  ): Promise<RawPeer> {
    const options = { maxReceiveBytes: 1 << 24, keepaliveMs: 300_000, tls };
    const signal = new AbortController().signal;
    const stream = await (network ?? grpcTransport).dial(address, Metadata.from(headers), options, signal);
    return new RawPeer(stream);
  }

  /** Sends a request that counts as one of the dialling side. */
  async request(number: number, method: string, payload: Uint8Array = new Uint8Array()): Promise<void> {
    await this.write(encodeEnvelope(number, false, encodeBody({ method, payload })));
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#stream.write(bytes, resolve));
  }

  /** The reply to the request of this number. */
  async reply(number: number): Promise<Envelope> {
    const isReply = (one: Envelope) => one.number === number && !one.serverInitiated;
    await eventually(() => this.received.some(isReply), `a reply to ${number}`);
    const found = this.received.find(isReply);
    if (found === undefined) throw new Error("unreachable");
    return found;
  }

  /** Answers the call of the server that came first, and takes it out. */
  async answerCall(payload: Uint8Array = new Uint8Array()): Promise<Envelope> {
    const isCall = (one: Envelope) => one.serverInitiated;
    await eventually(() => this.received.some(isCall), "a call of the server");
    const [call] = this.received.splice(this.received.findIndex(isCall), 1);
    if (call === undefined) throw new Error("unreachable");
    await this.write(encodeEnvelope(call.number, true, encodeBody({ method: call.method, payload })));
    return call;
  }

  async ended(): Promise<StreamStatus> {
    await eventually(() => this.status !== undefined, "the end of the stream");
    if (this.status === undefined) throw new Error("unreachable");
    return this.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.cancel({ code: 1, message: "done" });
  }
}
