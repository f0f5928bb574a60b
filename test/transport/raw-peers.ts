import { once } from "node:events";
import http2 from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type StatusObject,
} from "@grpc/grpc-js";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { encodeBody, encodeEnvelope } from "../../internal/wire/encode-envelope.js";
import type { Envelope } from "../../internal/wire/envelope.js";

/** The one method of the wire (F-01), spelled out here so that the library's constant is checked too. */
export const nodeStream = "/stream.Gorums/NodeStream";

const asIs = (bytes: Buffer): Buffer => bytes;

/** The bytes of a request or reply as a foreign peer writes it. */
export function envelopeBytes(
  envelope: Partial<Pick<Envelope, "number" | "serverInitiated" | "method" | "payload">>,
): Buffer {
  const { number = 1, serverInitiated = false, method = "", payload = new Uint8Array() } = envelope;
  return Buffer.from(encodeEnvelope(number, serverInitiated, encodeBody({ method, payload })));
}

/** A stream that a foreign server accepted. It reads nothing until something listens to `data`. */
export type RawAccepted = ServerDuplexStream<Buffer, Buffer>;

export interface RawServer extends AsyncDisposable {
  readonly address: string;
  readonly streams: readonly RawAccepted[];
}

/** A server as gorums has it: no headers before its first message (F-24), and it offers no features. */
export async function openRawServer(opened: (stream: RawAccepted) => void = () => {}): Promise<RawServer> {
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  const streams: RawAccepted[] = [];
  const nodeStreamOf = (stream: RawAccepted) => {
    stream.on("error", () => {});
    stream.on("end", () => stream.end());
    streams.push(stream);
    opened(stream);
  };
  const definition = {
    path: nodeStream,
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  server.addService({ nodeStream: definition }, { nodeStream: nodeStreamOf });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    streams,
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

/** Answers every request on the stream with its own payload, as a server of `Test.EchoRPC` may. */
export function echoRequests(stream: RawAccepted): void {
  stream.on("data", (bytes: Buffer) => stream.write(envelopeBytes(decodeEnvelope(bytes))));
}

/** A client as gorums has it: it never half-closes, it cancels (F-26). */
export interface RawClient extends Disposable {
  readonly stream: ClientDuplexStream<Buffer, Buffer>;
  /** What came; nothing is read before {@link read}. */
  readonly received: Buffer[];
  readonly headers: Metadata | undefined;
  readonly status: StatusObject | undefined;
  read(): void;
  send(envelope: Parameters<typeof envelopeBytes>[0]): void;
}

/** One stream on a connection of its own, or on that of `client`. Binary headers (`-bin`) are given in hex. */
export function openRawClient(
  address: string,
  headers: { readonly [key: string]: string } = {},
  client: Client = openRawConnection(address),
): RawClient {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(headers)) {
    metadata.set(key, key.endsWith("-bin") ? Buffer.from(value, "hex") : value);
  }
  const stream = client.makeBidiStreamRequest(nodeStream, asIs, asIs, metadata);
  const received: Buffer[] = [];
  let status: StatusObject | undefined;
  let answered: Metadata | undefined;
  stream.on("error", () => {});
  stream.once("status", (ended: StatusObject) => {
    status = ended;
  });
  stream.once("metadata", (initial: Metadata) => {
    answered = initial;
  });
  return {
    stream,
    received,
    get headers() {
      return answered;
    },
    get status() {
      return status;
    },
    read: () => stream.on("data", (bytes: Buffer) => received.push(bytes)),
    send: (envelope) => stream.write(envelopeBytes(envelope)),
    [Symbol.dispose]: () => {
      stream.cancel();
      client.close();
    },
  };
}

/** A connection for any number of foreign streams. */
export function openRawConnection(address: string): Client {
  return new Client(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": -1,
  });
}

/** A server that is plain HTTP/2: what it does not do is not done. */
export interface Http2Peer extends AsyncDisposable {
  readonly address: string;
  readonly streams: readonly http2.ServerHttp2Stream[];
  readonly headers: readonly http2.IncomingHttpHeaders[];
  /** Pings that came, over all connections. */
  readonly pings: number;
}

export async function openHttp2Server(
  opened: (stream: http2.ServerHttp2Stream) => void = () => {},
): Promise<Http2Peer> {
  const server = http2.createServer();
  const streams: http2.ServerHttp2Stream[] = [];
  const headers: http2.IncomingHttpHeaders[] = [];
  const sessions = new Set<http2.Http2Session>();
  let pings = 0;
  server.on("session", (session) => {
    sessions.add(session);
    session.on("ping", () => {
      pings += 1;
    });
  });
  server.on("stream", (stream, received) => {
    stream.on("error", () => {});
    stream.on("end", () => stream.end());
    streams.push(stream);
    headers.push(received);
    opened(stream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    streams,
    headers,
    get pings() {
      return pings;
    },
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Opens a stream over plain HTTP/2, with headers that grpc-js would not send. */
export function openHttp2Client(
  address: string,
  headers: http2.OutgoingHttpHeaders = {},
): { readonly session: http2.ClientHttp2Session; readonly stream: http2.ClientHttp2Stream } & Disposable {
  const session = http2.connect(`http://${address}`);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": nodeStream,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  stream.on("error", () => {});
  return { session, stream, [Symbol.dispose]: () => session.destroy() };
}

/** The gRPC frame of a message. */
export function frame(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** Collects the gRPC frames that come on an HTTP/2 stream. */
export function collectFrames(
  stream: http2.Http2Stream,
): { readonly flag: number; readonly bytes: Buffer }[] {
  const frames: { readonly flag: number; readonly bytes: Buffer }[] = [];
  let rest = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1);
      frames.push({ flag: rest.readUInt8(0), bytes: rest.subarray(5, end) });
      rest = rest.subarray(end);
    }
  });
  return frames;
}

/**
 * A TCP port that takes connections, says `greeting` and never another word. It does not answer the end of a
 * connection either if it is `stopped`, as a process that is halted.
 */
export async function openSilentListener({
  greeting = "",
  stopped = false,
}: {
  greeting?: string;
  stopped?: boolean;
} = {}): Promise<{ readonly address: string; readonly sockets: readonly Socket[] } & AsyncDisposable> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: stopped }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.write(Buffer.from(greeting, "hex"));
    socket.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The empty SETTINGS frame with which a connection is established. */
export const http2Settings = "000000040000000000";

/** The address of a port at which nobody listens. */
export async function deadAddress(): Promise<string> {
  const listener = await openSilentListener();
  await listener[Symbol.asyncDispose]();
  return listener.address;
}
