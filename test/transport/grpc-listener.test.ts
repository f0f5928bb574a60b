import { Code, createServer } from "quorate";
import { describe, expect, it, vi } from "vitest";
import type { StreamStatus } from "../../internal/stream/bidi-stream.js";
import { grpcTransport } from "../../internal/transport/grpc-transport.js";
import type { AcceptedStream } from "../../internal/transport/transport.js";
import { Metadata } from "../../internal/wire/metadata.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { collectFrames, frame, openHttp2Client, openRawClient } from "./raw-peers.js";
import { dialOptions, listenForTest, recordStream } from "./record-stream.js";

checkLeaks();

const ok: StreamStatus = { code: Code.Ok, message: "" };
const busy: StreamStatus = { code: Code.Unavailable, message: "closing" };

async function acceptOne(headers: { readonly [key: string]: string } = {}) {
  const listener = await listenForTest();
  const accepted: AcceptedStream[] = [];
  listener.accept((stream) => accepted.push(stream));
  const client = openRawClient(listener.address, headers);
  await eventually(() => accepted.length === 1, "the stream");
  const [first] = accepted;
  if (first === undefined) throw new Error("no stream");
  return { listener, client, accepted: first, record: recordStream(first.stream) };
}

describe("listening for streams over gRPC", () => {
  it("[SY-09] fails at a port in use with LISTEN_FAILED, prints nothing, and leaves its owner alone", async () => {
    const printed = vi.spyOn(console, "error");
    const listener = await listenForTest();
    listener.accept(({ stream }) => stream.end(ok));
    await expect(createServer({ address: listener.address })).rejects.toMatchObject({
      code: Code.Unavailable,
      reason: "LISTEN_FAILED",
      message: expect.stringContaining(listener.address),
    });
    using client = openRawClient(listener.address);
    client.read();
    await eventually(() => client.status !== undefined, "an answer of the owner");
    expect(client.status).toMatchObject({ code: Code.Ok });
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
    await listener.stop();
  });

  it.each(["nobody..invalid:0", "203.0.113.1:0"])(
    "fails at %s, which is not of this host",
    async (address) => {
      await expect(createServer({ address })).rejects.toMatchObject({ reason: "LISTEN_FAILED" });
    },
  );

  it("can listen again on a port that it has left", async () => {
    const first = await listenForTest();
    first.accept(() => {});
    const { address } = first;
    await first.stop();
    const second = await grpcTransport.listen(address, {
      maxReceiveBytes: 1_000,
      keepaliveMs: 20_000,
      keepaliveTimeoutMs: 10_000,
      headers: Metadata.empty,
    });
    expect(second.address).toBe(address);
    await second.stop();
  });

  it("takes a name, and says it with the port", async () => {
    const options = { maxReceiveBytes: 1_000, keepaliveMs: 20_000, keepaliveTimeoutMs: 10_000 };
    const listener = await grpcTransport.listen("localhost:0", { ...options, headers: Metadata.empty });
    expect(listener.address).toMatch(/^localhost:[1-9]\d*$/);
    const accepted: AcceptedStream[] = [];
    listener.accept((stream) => accepted.push(stream));
    using client = openRawClient(listener.address);
    await eventually(() => accepted.length === 1, "the stream");
    listener.destroy();
    await eventually(() => client.status !== undefined, "the end");
  });

  it("holds the streams that come before it may hand them over, in their order", async () => {
    const listener = await listenForTest();
    const clients = [];
    for (const name of ["a", "b", "c"]) {
      const client = openRawClient(listener.address, { name });
      clients.push(client);
      await eventually(() => client.headers !== undefined, "its headers");
    }
    const names: (string | undefined)[] = [];
    listener.accept(({ headers }) => names.push(headers.get("name")));
    expect(names).toEqual(["a", "b", "c"]);
    using late = openRawClient(listener.address, { name: "d" });
    await eventually(() => names.length === 4, "the fourth");
    for (const client of [...clients, late]) client[Symbol.dispose]();
    await listener.stop();
  });

  it("tells the end of a held stream whose client is gone when it is opened", async () => {
    const listener = await listenForTest();
    const client = openRawClient(listener.address);
    await eventually(() => client.headers !== undefined, "its headers");
    client[Symbol.dispose]();
    await eventually(() => client.status !== undefined, "the cancel");
    const accepted: AcceptedStream[] = [];
    listener.accept((stream) => accepted.push(stream));
    const [held] = accepted;
    if (held === undefined) throw new Error("nothing was held");
    const record = recordStream(held.stream);
    await eventually(() => record.ended.length === 1, "the end");
    expect(record.halfClosed).toBe(0);
    await listener.stop();
  });

  it("gives the headers of the client, binary ones as base64, and where it is", async () => {
    const { listener, client, accepted } = await acceptOne({ "x-region": "eu", "trace-bin": "0102ff" });
    expect(accepted.headers.get("x-region")).toBe("eu");
    expect(accepted.headers.get("trace-bin")).toBe("AQL/");
    expect(accepted.headers.get("content-type")).toBeUndefined();
    expect(accepted.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    client[Symbol.dispose]();
    await listener.stop();
  });

  it("sends its own headers to every stream", async () => {
    const listener = await listenForTest({ headers: Metadata.from({ "x-offer": "this, that" }) });
    listener.accept(() => {});
    for (const client of [openRawClient(listener.address), openRawClient(listener.address)]) {
      await eventually(() => client.headers !== undefined, "its headers");
      expect(client.headers?.get("x-offer")).toEqual(["this, that"]);
      client[Symbol.dispose]();
    }
    await listener.stop();
  });

  it("[J-20] stops: takes no new stream, and waits for those that are open", async () => {
    const { listener, client, accepted, record } = await acceptOne();
    client.read();
    let stopped = false;
    const stop = listener.stop().then(() => {
      stopped = true;
    });
    const attempt = grpcTransport.dial(
      listener.address,
      Metadata.empty,
      dialOptions,
      new AbortController().signal,
    );
    await expect(attempt).rejects.toMatchObject({ code: Code.Unavailable });
    accepted.stream.write(Buffer.from("still served"), () => {});
    await eventually(() => client.received.length === 1, "a message");
    expect(stopped).toBe(false);
    expect(record.ended).toEqual([]);
    accepted.stream.end(ok);
    await stop;
    expect(client.status).toMatchObject({ code: Code.Ok });
  });

  it("[J-20] [J-26] is destroyed whatever its clients do, and they see no Canceled", async () => {
    const { listener, client, record } = await acceptOne();
    using idle = openHttp2Client(listener.address);
    idle.stream.pause();
    const stopped = listener.stop();
    listener.destroy();
    await stopped;
    await eventually(() => client.status !== undefined && record.ended.length === 1, "the end");
    expect(client.status).toMatchObject({ code: Code.Unavailable });
    client[Symbol.dispose]();
  });

  it("is destroyed without having been stopped", async () => {
    const { listener, client } = await acceptOne();
    listener.destroy();
    await eventually(() => client.status !== undefined, "the end");
    expect(client.status).toMatchObject({ code: Code.Unavailable });
    client[Symbol.dispose]();
  });

  it.each([
    ["is read", true],
    ["is not read either", false],
  ])("[J-24] ends at once a stream that its client does not read and that %s", async (_, reading) => {
    const listener = await listenForTest();
    const accepted: AcceptedStream[] = [];
    listener.accept((stream) => accepted.push(stream));
    // Not over grpc-js, which reads before it is asked to.
    using client = openHttp2Client(listener.address);
    await eventually(() => accepted.length === 1, "the stream");
    const [first] = accepted;
    if (first === undefined) throw new Error("no stream");
    const record = recordStream(first.stream);
    first.stream.setReading(reading);
    const trailers = new Promise((resolve) => client.stream.once("trailers", resolve));
    let told = false;
    // More than flow control lets through, in both directions.
    client.stream.write(frame(Buffer.alloc(200_000)));
    first.stream.write(Buffer.alloc(200_000), () => {
      told = true;
    });
    first.stream.end(busy);
    await eventually(() => record.ended.length === 1, "the end");
    expect(record.ended).toEqual([busy]);

    const frames = collectFrames(client.stream);
    expect(await trailers).toMatchObject({ "grpc-status": "14", "grpc-message": "closing" });
    expect(frames.map(({ bytes }) => bytes.length)).toEqual([200_000]);
    // Nothing is told of an ended stream, not even that the message was written after all.
    expect(record.messages).toEqual([]);
    expect(told).toBe(false);
    listener.destroy();
  });
});

describe("how a client leaves", () => {
  const leave = {
    "half-closes": (client: ReturnType<typeof openHttp2Client>) => client.stream.end(),
    cancels: (client: ReturnType<typeof openHttp2Client>) => client.stream.close(8),
    "closes the connection": (client: ReturnType<typeof openHttp2Client>) => client.session.destroy(),
    "resets the connection": (client: ReturnType<typeof openHttp2Client>) =>
      client.session.socket.resetAndDestroy(),
  };
  const cases = (Object.keys(leave) as (keyof typeof leave)[]).flatMap((how) => [
    [how, true] as const,
    [how, false] as const,
  ]);

  it.each(cases)("[J-23] is told: it %s (reading: %s)", async (how, reading) => {
    const listener = await listenForTest();
    const accepted: AcceptedStream[] = [];
    listener.accept((stream) => accepted.push(stream));
    using client = openHttp2Client(listener.address);
    await eventually(() => accepted.length === 1, "the stream");
    const [first] = accepted;
    if (first === undefined) throw new Error("no stream");
    const record = recordStream(first.stream);
    client.stream.write(Buffer.from([0, 0, 0, 0, 1, 7]));
    await eventually(() => record.messages.length === 1, "its message");
    first.stream.setReading(reading);
    leave[how](client);
    if (how === "half-closes") {
      first.stream.setReading(true);
      await eventually(() => record.halfClosed + record.ended.length > 0, "the half-close");
      first.stream.end(ok);
    }
    await eventually(() => record.ended.length > 0, "the end");
    expect(record.halfClosed).toBe(how === "half-closes" ? 1 : 0);
    expect(record.ended).toMatchObject([{ code: how === "half-closes" ? Code.Ok : Code.Canceled }]);
    await listener.stop();
  });
});
