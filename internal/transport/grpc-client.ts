import { Client, type ClientDuplexStream } from "@grpc/grpc-js";
import { abortError, QuorateError } from "../errors/quorate-error.js";
import { Metadata } from "../wire/metadata.js";
import { identity, toGrpcMetadata } from "./grpc-stream.js";
import { keepaliveOptions } from "./keepalive-options.js";
import { channelCredentials } from "./tls-credentials.js";
import type { TlsSettings } from "./tls-options.js";
import { WatchedCredentials } from "./watched-credentials.js";

/** A client of an ordinary gRPC server, which is no peer: calls of bytes, under the paths of their methods. */
export interface GrpcClient {
  /**
   * Makes a unary call.
   * @throws QuorateError with the code and the text of the status; DeadlineExceeded after `timeoutMs`; Canceled.
   */
  unary(path: string, request: Uint8Array, options: GrpcCallOptions): Promise<Uint8Array>;
  /** Opens a bidirectional stream. */
  openStream(path: string, options: Omit<GrpcCallOptions, "timeoutMs">): GrpcDuplex;
  /** Ends all calls. */
  close(): void;
}

/** How a call of a {@link GrpcClient} is made. */
export interface GrpcCallOptions {
  readonly timeoutMs: number;
  readonly metadata?: Metadata | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A bidirectional stream. What it is iterated for comes as fast as its reader takes it. */
export interface GrpcDuplex extends AsyncIterable<Uint8Array> {
  write(message: Uint8Array): void;
  /** Ends it; its reader is told Canceled. */
  cancel(): void;
}

/** Options of {@link createGrpcClient}. */
export interface GrpcClientOptions {
  readonly tls: TlsSettings | undefined;
  /** A ping when nothing came for so long, in milliseconds. */
  readonly keepaliveMs: number;
}

/** Makes a client of the server at `address`, `host:port`. It connects when it is used, and again when it must. */
export function createGrpcClient(address: string, { tls, keepaliveMs }: GrpcClientOptions): GrpcClient {
  const watched = new WatchedCredentials(channelCredentials(tls, address));
  const client = new Client(address, watched, {
    "grpc.use_local_subchannel_pool": 1,
    // Whether a call may be made twice, the caller knows.
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    ...keepaliveOptions(keepaliveMs, 5_000),
  });
  return {
    unary: (path, request, { timeoutMs, metadata = Metadata.empty, signal }) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(abortError(signal.reason));
        const deadline = Date.now() + timeoutMs;
        const call = client.makeUnaryRequest(
          path,
          identity,
          identity,
          Buffer.from(request.buffer, request.byteOffset, request.byteLength),
          toGrpcMetadata(metadata),
          { deadline },
          (error, reply) => {
            signal?.removeEventListener("abort", cancel);
            if (error !== null) reject(QuorateError.from(error));
            else resolve(plain(reply ?? noBytes));
          },
        );
        const cancel = () => call.cancel();
        signal?.addEventListener("abort", cancel, { once: true });
      }),
    openStream: (path, { metadata = Metadata.empty }) =>
      new Duplex(client.makeBidiStreamRequest(path, identity, identity, toGrpcMetadata(metadata))),
    close: () => {
      client.close();
      watched.close();
    },
  };
}

class Duplex implements GrpcDuplex {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;

  constructor(call: ClientDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    // Whoever iterates is told; before and after that nobody is there to be told.
    call.on("error", () => {});
  }

  write(message: Uint8Array): void {
    this.#call.write(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
  }

  cancel(): void {
    this.#call.cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const message of this.#call) yield plain(message);
    } catch (error) {
      throw QuorateError.from(error);
    } finally {
      this.#call.cancel();
    }
  }
}

const noBytes = new Uint8Array(0);

/** Without the methods of a Buffer, which what is decoded from one would have as well. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
