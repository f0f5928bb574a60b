import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { collectFrames } from "../transport/raw-peers.js";

/** What went through a proxy: the messages of gRPC, each as its bytes. */
export interface RecordingProxy extends AsyncDisposable {
  readonly address: string;
  /** What the dialling side wrote. */
  readonly sent: readonly Buffer[];
  /** What the accepting side wrote. */
  readonly received: readonly Buffer[];
}

/** Stands before a server, and hands on both ways what it writes down. */
export async function openRecordingProxy(target: string): Promise<RecordingProxy> {
  const sent: Buffer[] = [];
  const received: Buffer[] = [];
  const sessions = new Set<http2.Http2Session>();
  const server = http2.createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    const onward = http2.connect(`http://${target}`);
    onward.on("error", () => {});
    onward.once("close", () => session.destroy());
    session.once("close", () => onward.destroy());
    session.on("stream", (stream, headers) => {
      const { ":scheme": _, ":authority": __, host: ___, ...rest } = headers;
      const request = onward.request(rest);
      for (const one of [stream, request]) one.on("error", () => {});
      record(stream, sent);
      record(request, received);
      stream.on("data", (chunk: Buffer) => request.write(chunk));
      stream.once("end", () => request.end());
      request.once("response", ({ ":status": status, ...response }) =>
        stream.respond({ ":status": status ?? 200, ...response }),
      );
      request.on("data", (chunk: Buffer) => stream.write(chunk));
      request.once("end", () => stream.end());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    received,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

/** The numbers of the fields that any of the messages has, each once, in ascending order. */
export function fieldNumbers(messages: readonly Buffer[]): number[] {
  const found = new Set<number>();
  for (const bytes of messages) {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      found.add(number);
      reader.skip(wireType, number);
    }
  }
  return [...found].sort((a, b) => a - b);
}

function record(stream: http2.Http2Stream, messages: Buffer[]): void {
  const frames = collectFrames(stream);
  stream.on("data", () => {
    for (const { bytes } of frames.splice(0)) messages.push(bytes);
  });
}
