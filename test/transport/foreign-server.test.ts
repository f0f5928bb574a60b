import { create, toBinary } from "@bufbuild/protobuf";
import { Code, connect, createClient, type QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { EchoRequestSchema, EchoResponseSchema } from "../gen/test/v1/test_pb.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers } from "../helpers/test-service.js";
import { createGate } from "./gate.js";
import {
  collectFrames,
  echoRequests,
  envelopeBytes,
  frame,
  openHttp2Server,
  openRawServer,
} from "./raw-peers.js";

checkLeaks();

const ask = toBinary(EchoRequestSchema, create(EchoRequestSchema, { value: "who" }));

describe("a configuration with a server that is not quorate", () => {
  it("[J-01] [F-24] [F-25] is connected and calls before any header has come", async () => {
    await using server = await openHttp2Server();
    await using configuration = await connect({ nodes: [server.address] });
    const node = configuration.node(1);
    await eventually(() => node.connected, "the connection");
    const reply = createClient(Test, node).echoRPC({ value: "early" });

    await eventually(() => server.streams.length === 1, "the stream");
    const [stream] = server.streams;
    if (stream === undefined) throw new Error("no stream");
    const frames = collectFrames(stream);
    await eventually(() => frames.length === 1, "the request");
    expect(stream.headersSent).toBe(false);

    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    const request = decodeEnvelope(frames[0]?.bytes ?? Buffer.alloc(0));
    const payload = toBinary(EchoResponseSchema, create(EchoResponseSchema, { value: "late" }));
    stream.write(frame(envelopeBytes({ ...request, payload })));
    await expect(reply).resolves.toMatchObject({ value: "late" });
  });

  it("[F-01] [J-08] [J-11] opens plain gRPC: no deadline, no compression, in no message either", async () => {
    await using server = await openHttp2Server();
    await using configuration = await connect({ nodes: [server.address], defaultTimeoutMs: 5_000 });
    await eventually(() => server.streams.length === 1, "the stream");
    const [stream] = server.streams;
    if (stream === undefined) throw new Error("no stream");
    const frames = collectFrames(stream);
    await createClient(Test, configuration.node(1)).echoUnicast(
      { data: new Uint8Array(10_000) },
      { timeoutMs: 1_000 },
    );
    await eventually(() => frames.length === 1, "the request");

    const headers = server.headers[0] ?? {};
    expect(headers).toMatchObject({
      ":path": "/stream.Gorums/NodeStream",
      "content-type": "application/grpc",
    });
    expect(headers).not.toHaveProperty("grpc-timeout");
    expect(headers["grpc-encoding"] ?? "identity").toBe("identity");
    expect(frames[0]?.flag).toBe(0);
    expect(frames[0]?.bytes.length).toBeGreaterThan(10_000);
  });

  it("[J-02] [F-06] [F-07] answers numbers with the high bit, each with its own", async () => {
    const numbers = [1, 2, 3, 2 ** 52, Number.MAX_SAFE_INTEGER];
    await using server = await openRawServer((stream) => {
      for (const number of numbers) {
        stream.write(
          envelopeBytes({ number, serverInitiated: true, method: "test.v1.Callback.Ask", payload: ask }),
        );
      }
    });
    const received: Buffer[] = [];
    await using configuration = await connect({
      nodes: [server.address],
      routes: (router) => router.service(Callback, callbackHandlers()),
    });
    await eventually(() => server.streams.length === 1, "the stream");
    server.streams[0]?.on("data", (bytes: Buffer) => received.push(bytes));
    await eventually(() => received.length === numbers.length, "the replies");

    // The varint of 2^63 + 1, and of 2^63 + 2^53 - 1, its largest.
    expect(received[0]?.subarray(0, 11).toString("hex")).toBe("0881808080808080808001");
    expect(received.at(-1)?.subarray(0, 11).toString("hex")).toBe("08ffffffffffffff8f8001");
    expect(received.map((bytes) => decodeEnvelope(bytes).number)).toEqual(numbers);
    expect(received.every((bytes) => decodeEnvelope(bytes).serverInitiated)).toBe(true);
    expect(configuration.node(1).connected).toBe(true);
  });

  it("[J-02] ends the stream rather than answer a number that it cannot hold", async () => {
    const tooLarge = Buffer.from("08808080808080809080011204", "hex");
    await using server = await openRawServer((stream) => stream.write(tooLarge));
    const ended: (QuorateError | undefined)[] = [];
    await using configuration = await connect({
      nodes: [server.address],
      onEvent: (event) => {
        if (event.kind === "streamEnded") ended.push(event.error);
      },
    });
    await eventually(() => ended.length > 0, "the end of the stream");
    expect(ended[0]).toMatchObject({ code: Code.InvalidArgument });
    expect(configuration.node(1).connected).toBe(false);
  });

  it("[J-25] learns how a stream ended once it reads on; until then its calls settle all the same", async () => {
    const floods = 40;
    // Together more than HTTP/2 lets a sender write to a stream that nobody reads.
    const payload = toBinary(EchoRequestSchema, create(EchoRequestSchema, { data: new Uint8Array(8_192) }));
    await using server = await openRawServer((stream) => {
      for (let number = 1; number <= floods; number++) {
        stream.write(
          envelopeBytes({ number, serverInitiated: true, method: "test.v1.Callback.Ask", payload }),
        );
      }
      stream.emit("error", { code: Code.Aborted, details: "had enough" });
    });
    const gate = createGate();
    const ended: (QuorateError | undefined)[] = [];
    let asked = 0;
    await using configuration = await connect({
      nodes: [server.address],
      maxQueuedRequests: 2,
      backoff: { minMs: 60_000, maxMs: 60_000 },
      routes: (router) =>
        router.service(Callback, {
          ...callbackHandlers(),
          ask: async () => {
            asked += 1;
            await gate.opened;
            return {};
          },
        }),
      onEvent: (event) => {
        if (event.kind === "streamEnded") ended.push(event.error);
      },
    });
    await eventually(() => asked === 1, "the first request");
    // It has us read on as far as the queue goes; the end is still behind what is unread.
    await expect(createClient(Test, configuration.node(1)).echoRPC({ value: "x" })).rejects.toMatchObject({
      code: Code.ResourceExhausted,
      reason: "REQUEST_QUEUE_FULL",
    });
    expect(ended).toEqual([]);
    gate.open();
    await eventually(() => ended.length === 1, "the end of the stream");
    expect(ended[0]).toMatchObject({ code: Code.Aborted, message: "had enough" });
  });

  it("[J-26] shows a server that is shut down by force as Unavailable, not as Canceled", async () => {
    await using server = await openRawServer((stream) => stream.resume());
    await using configuration = await connect({ nodes: [server.address] });
    const call = createClient(Test, configuration.node(1)).echoRPC({ value: "x" }, { resend: false });
    await eventually(() => server.streams.length === 1, "the stream");
    await server[Symbol.asyncDispose]();
    await expect(call).rejects.toMatchObject({ code: Code.Unavailable, reason: "STREAM_LOST" });
  });

  it("[J-26] takes a Canceled of the server for a loss, and comes back", async () => {
    await using server = await openRawServer((stream) => {
      if (server.streams.length > 1) return echoRequests(stream);
      stream.once("data", () => stream.emit("error", { code: Code.Canceled, details: "not mine" }));
    });
    await using configuration = await connect({ nodes: [server.address], backoff: { minMs: 1 } });
    const client = createClient(Test, configuration.node(1));
    await expect(client.echoRPC({ value: "x" })).rejects.toMatchObject({
      code: Code.Unavailable,
      cause: expect.objectContaining({ code: Code.Canceled }),
    });
    await expect(client.echoRPC({ value: "again" }, { waitForReady: true })).resolves.toMatchObject({
      value: "again",
    });
  });
});
