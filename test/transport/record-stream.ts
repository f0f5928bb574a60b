import type { BidiStream, StreamStatus } from "../../internal/stream/bidi-stream.js";
import { grpcTransport } from "../../internal/transport/grpc-transport.js";
import type { DialOptions, Listener, ListenOptions } from "../../internal/transport/transport.js";
import { Metadata } from "../../internal/wire/metadata.js";

/** What a stream told, in order. */
export interface StreamRecord {
  readonly accepted: Metadata[];
  readonly messages: Buffer[];
  readonly ended: StreamStatus[];
  halfClosed: number;
}

/** Opens a stream and records what it tells. */
export function recordStream(stream: BidiStream): StreamRecord {
  const record: StreamRecord = { accepted: [], messages: [], ended: [], halfClosed: 0 };
  stream.open({
    accepted: (headers) => record.accepted.push(headers),
    message: (bytes) => record.messages.push(Buffer.from(bytes)),
    ended: (status) => record.ended.push(status),
    halfClosed: () => {
      record.halfClosed += 1;
    },
  });
  return record;
}

/** Options of a dialled stream that no test runs into. */
export const dialOptions: DialOptions = { maxReceiveBytes: 1 << 24, keepaliveMs: 300_000 };

/** Listens on a free port of the loopback address, with limits that no test runs into. */
export function listenForTest(options: Partial<ListenOptions> = {}): Promise<Listener> {
  return grpcTransport.listen("127.0.0.1:0", {
    maxReceiveBytes: 1 << 24,
    keepaliveMs: 300_000,
    keepaliveTimeoutMs: 10_000,
    headers: Metadata.empty,
    ...options,
  });
}
