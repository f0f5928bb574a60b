import { Code, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import type { BidiStream } from "../../internal/stream/bidi-stream.js";
import { grpcTransport } from "../../internal/transport/grpc-transport.js";
import { Metadata } from "../../internal/wire/metadata.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import {
  deadAddress,
  http2Settings,
  openHttp2Server,
  openRawServer,
  openSilentListener,
} from "./raw-peers.js";
import { dialOptions, listenForTest, recordStream } from "./record-stream.js";

checkLeaks();

function dial(address: string, signal: AbortSignal = new AbortController().signal): Promise<BidiStream> {
  return grpcTransport.dial(address, Metadata.empty, dialOptions, signal);
}

const reason = new QuorateError(Code.Aborted, "changed our mind");
const cancel = { code: Code.Canceled, message: "the test is over" };

/** Lets that many turns of the event loop pass: a phase of the attempt, whichever it is. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("dialling a stream over gRPC", () => {
  it("gives up before it begins if the signal has ended", async () => {
    await using silent = await openSilentListener();
    await expect(dial(silent.address, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(silent.sockets).toEqual([]);
  });

  it.each([0, 1, 2, 3, 5, 8])("gives up %i turns into the connecting, and leaves nothing", async (count) => {
    await using silent = await openSilentListener();
    const controller = new AbortController();
    const attempt = dial(silent.address, controller.signal);
    const failure = attempt.catch((error: unknown) => error);
    await turns(count);
    controller.abort(reason);
    expect(await failure).toBe(reason);
    await eventually(() => silent.sockets.every((socket) => socket.closed), "the end of the connection");
  });

  it("[J-22] gives up a connection on which the other side says nothing, and closes it", async () => {
    await using silent = await openSilentListener();
    const controller = new AbortController();
    const failure = dial(silent.address, controller.signal).catch((error: unknown) => error);
    await eventually(() => (silent.sockets[0]?.bytesRead ?? 0) > 0, "the preface of HTTP/2");
    controller.abort(reason);
    expect(await failure).toBe(reason);
    await eventually(() => silent.sockets.every((socket) => socket.closed), "the end of the connection");
  });

  it("is no longer bound to the signal once it has its stream", async () => {
    await using server = await openRawServer();
    const controller = new AbortController();
    const stream = await dial(server.address, controller.signal);
    const record = recordStream(stream);
    controller.abort(reason);
    await eventually(() => server.streams.length === 1, "the stream");
    server.streams[0]?.write(Buffer.from("still here"));
    await eventually(() => record.messages.length === 1, "a message");
    expect(record.ended).toEqual([]);
    stream.cancel(cancel);
    await eventually(() => server.streams[0]?.cancelled === true, "the cancel");
  });

  it("[J-18] fails at a port where nobody listens, with nothing that could be written to", async () => {
    const address = await deadAddress();
    await expect(dial(address)).rejects.toMatchObject({
      code: Code.Unavailable,
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("fails at a name that does not resolve", async () => {
    await expect(dial("nobody..invalid:9081")).rejects.toMatchObject({ code: Code.Unavailable });
  });

  it("fails at a server that speaks another protocol", async () => {
    await using silent = await openSilentListener();
    const failure = dial(silent.address).catch((error: unknown) => error);
    await eventually(() => silent.sockets.length === 1, "the connection");
    silent.sockets[0]?.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await failure).toMatchObject({ code: Code.Unavailable });
  });

  it("tells the end of a stream that ended before it was opened", async () => {
    await using server = await openRawServer((stream) =>
      stream.emit("error", { code: Code.PermissionDenied, details: "go away" }),
    );
    const stream = await dial(server.address);
    await eventually(() => server.streams[0]?.closed === true, "the end");
    await turns(20);
    const record = recordStream(stream);
    expect(record.ended).toEqual([]);
    await eventually(() => record.ended.length > 0, "the end to be told");
    expect(record.ended).toEqual([{ code: Code.PermissionDenied, message: "go away" }]);
  });

  it("[J-25] tells the end of a stream that is not read when it is read again, behind its messages", async () => {
    const count = 40;
    let written = 0;
    await using server = await openRawServer((stream) => stream.write(Buffer.from([0])));
    const stream = await dial(server.address);
    const record = recordStream(stream);
    await eventually(() => record.messages.length === 1, "the first message");
    stream.setReading(false);
    for (let number = 1; number < count; number++) {
      server.streams[0]?.write(Buffer.alloc(8_192, number), () => {
        written += 1;
      });
    }
    server.streams[0]?.emit("error", { code: Code.Aborted, details: "had enough" });
    await eventually(() => written > 4, "what fits the window");
    await turns(20);
    expect(record.ended).toEqual([]);
    expect(written).toBeLessThan(count - 1);
    stream.setReading(true);
    await eventually(() => record.ended.length === 1, "the end");
    expect(record.ended).toEqual([{ code: Code.Aborted, message: "had enough" }]);
    expect(record.messages.map((bytes) => bytes[0])).toEqual(Array.from({ length: count }, (_, at) => at));
  });

  it("[J-25] tells a loss at once, also while it does not read", async () => {
    await using server = await openHttp2Server((stream) => stream.respond({ ":status": 200 }));
    const stream = await dial(server.address);
    const record = recordStream(stream);
    stream.setReading(false);
    await eventually(() => server.streams.length === 1, "the stream");
    server.streams[0]?.session?.destroy();
    await eventually(() => record.ended.length === 1, "the loss");
    expect(record.ended).toMatchObject([{ code: Code.Unavailable }]);
  });

  it("lets a cancelled stream go although the server does not answer any more", async () => {
    await using server = await openSilentListener({ greeting: http2Settings, stopped: true });
    const stream = await dial(server.address);
    const record = recordStream(stream);
    stream.cancel(cancel);
    const [socket] = server.sockets;
    // What is written to a socket that is closed, not only ended, comes back as a reset.
    const reset = () => {
      socket?.write("0");
      return socket?.destroyed === true;
    };
    await eventually(reset, "the end of the connection");
    expect(record.ended).toEqual([]);
  });

  it("[J-10] [J-19] uses a connection of its own for each stream", async () => {
    const listener = await listenForTest();
    const peers = new Set<string>();
    listener.accept(({ remoteAddress }) => peers.add(remoteAddress));
    const streams = await Promise.all([1, 2, 3].map(() => dial(listener.address)));
    await eventually(() => peers.size === streams.length, "three connections");
    expect(streams).toHaveLength(3);
    for (const stream of streams) stream.cancel(cancel);
    await listener.stop();
  });
});
