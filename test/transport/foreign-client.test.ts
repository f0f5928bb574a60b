import { create, toBinary } from "@bufbuild/protobuf";
import {
  Code,
  createClient,
  createServer,
  type QuorateEvent,
  type Server,
  type ServerOptions,
} from "quorate";
import { describe, expect, it } from "vitest";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { EchoRequestSchema, EchoResponseSchema } from "../gen/test/v1/test_pb.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { collectFrames, openHttp2Client, openRawClient, openRawConnection } from "./raw-peers.js";

checkLeaks();

const method = "test.v1.Test.EchoRPC";
const payload = toBinary(EchoRequestSchema, create(EchoRequestSchema, { value: "hello" }));
const answer = toBinary(EchoResponseSchema, create(EchoResponseSchema, { value: "here" }));

function serve(options: Partial<ServerOptions> = {}): Promise<Server> {
  return createServer({
    address: "127.0.0.1:0",
    routes: (router) => router.service(Test, echoHandlers(1)),
    ...options,
  });
}

describe("a server with a client that is not quorate", () => {
  it("[J-01] sends its headers at once, with what it takes, and no compression", async () => {
    await using server = await serve();
    using client = openRawClient(server.address);
    await eventually(() => client.headers !== undefined, "the headers");
    expect(client.headers?.get("quorate-features")).toEqual(["deadline,cancel,end"]);
    expect(client.headers?.get("grpc-encoding")).toEqual([]);
    expect(client.received).toEqual([]);
  });

  it("[J-11] [F-01] answers without compression, whatever the client would take", async () => {
    await using server = await serve();
    using client = openHttp2Client(server.address, { "grpc-accept-encoding": "gzip,identity" });
    const frames = collectFrames(client.stream);
    const headers = new Promise((resolve) => client.stream.once("response", resolve));
    const request = Buffer.concat([
      Buffer.from("0801", "hex"),
      Buffer.from([0x12, method.length]),
      Buffer.from(method),
    ]);
    client.stream.write(Buffer.concat([Buffer.from([0, 0, 0, 0, request.length]), request]));
    await eventually(() => frames.length === 1, "the reply");
    expect(frames[0]?.flag).toBe(0);
    expect(await headers).toMatchObject({ ":status": 200, "grpc-encoding": "identity" });
  });

  it("[J-02] [F-06] [SV-01] calls it with the high bit on the wire and takes the reply", async () => {
    await using server = await serve();
    using client = openRawClient(server.address, { "gorums-node-id": "0" });
    client.read();
    await server.waitForClients(1);
    const replies = [1, 2].map(() => createClient(Callback, server.clients).askAll({ value: "you" }).first());
    await eventually(() => client.received.length === 2, "the calls");

    for (const bytes of client.received) {
      // Ten bytes of number behind the tag; the last holds the high bit alone.
      expect(bytes.subarray(0, 1).toString("hex")).toBe("08");
      expect(bytes.subarray(2, 11).every((byte, at) => (at < 8 ? byte >= 0x80 : byte === 0x01))).toBe(true);
    }
    const [first, second] = client.received.map((bytes) => decodeEnvelope(bytes));
    expect((second?.number ?? 0) - (first?.number ?? 0)).toBe(1);
    client.send({ ...second, payload: answer });
    client.send({ ...first, payload: answer });
    await expect(Promise.all(replies)).resolves.toMatchObject([{ value: "here" }, { value: "here" }]);
  });

  it("[J-03] [F-18] takes the first of two node ids, which HTTP/2 joins", async () => {
    await using server = await serve({
      nodeId: 1,
      nodes: { 1: "127.0.0.1:1", 2: "127.0.0.1:2" },
      backoff: { minMs: 60_000, maxMs: 60_000 },
    });
    using client = openHttp2Client(server.address, { "gorums-node-id": ["2", "0"] });
    await server.waitForPeers((peers) => peers.has(2));
    expect(server.clients.size).toBe(0);
    expect(client.stream.closed).toBe(false);
  });

  it.each<[string, string | string[], boolean]>([
    ["one header with both", "cancel,deadline", true],
    ["blanks and unknown names", "deadline , warp,cancel", true],
    ["two headers", ["warp", "deadline"], true],
    ["a name that only begins so", "deadlines", false],
    ["an empty header", "", false],
  ])("[J-03] reads the features of %s", async (_, features, takesDeadlines) => {
    await using server = await serve();
    using client = openHttp2Client(server.address, { "gorums-node-id": "0", "quorate-features": features });
    const frames = collectFrames(client.stream);
    await server.waitForClients(1);
    const call = createClient(Callback, server.clients).notify({ number: 1 }, { timeoutMs: 5_000 });
    await eventually(() => frames.length === 1, "the call");
    await call;
    expect(decodeEnvelope(frames[0]?.bytes ?? Buffer.alloc(0)).timeoutMs > 0).toBe(takesDeadlines);
  });

  it("[F-26] takes its cancel for the end of the stream, and lets go of it", async () => {
    await using server = await serve();
    using client = openRawClient(server.address, { "gorums-node-id": "0" });
    client.read();
    client.send({ number: 1, method, payload });
    await eventually(() => client.received.length === 1, "the reply");
    const pending = createClient(Callback, server.clients).askAll({ value: "you" }).first();
    client.stream.cancel();
    await expect(pending).rejects.toMatchObject({
      code: Code.Unavailable,
      nodeErrors: new Map([[1 << 20, expect.objectContaining({ code: Code.Unavailable })]]),
    });
    expect(server.clients.size).toBe(0);
    expect(server.snapshot().streams).toEqual([]);
  });
});

describe("a refused stream", () => {
  const ownId = { nodeId: 1, nodes: { 1: "127.0.0.1:1" } };

  it("[J-05] [W-02] stays open, untracked, for a client without features: each request gets the status", async () => {
    await using server = await serve(ownId);
    using client = openRawClient(server.address, { "gorums-node-id": "1" });
    client.read();
    for (const number of [1, 2, 3]) {
      client.send({ number, method, payload });
      await eventually(() => client.received.length === number, "the refusal");
      const { status, ...reply } = decodeEnvelope(client.received.at(-1) ?? Buffer.alloc(0));
      expect(reply).toMatchObject({ number, method });
      expect(status?.code).toBe(Code.PermissionDenied);
    }
    expect(client.status).toBeUndefined();
    expect(server.clients.size).toBe(0);
    expect(server.peers.ids).toEqual([1]);
    expect(server.snapshot().streams).toMatchObject([{ nodeId: undefined, refused: true }]);
  });

  it("[J-05] ends with its status for a client that offered features", async () => {
    await using server = await serve(ownId);
    using client = openRawClient(server.address, { "gorums-node-id": "1", "quorate-features": "" });
    client.read();
    await eventually(() => client.status !== undefined, "the end of the stream");
    expect(client.status).toMatchObject({ code: Code.PermissionDenied });
    await eventually(() => server.snapshot().streams.length === 0, "the stream to go");
  });

  it("[J-05] is bounded: of 1,025 without features the oldest ends", async () => {
    const limits: QuorateEvent[] = [];
    await using server = await serve({
      ...ownId,
      onEvent: (event) => {
        if (event.kind === "limitReached") limits.push(event);
      },
    });
    const connection = openRawConnection(server.address);
    const open = () => {
      const client = openRawClient(server.address, { "gorums-node-id": "1" }, connection);
      client.read();
      return client;
    };
    const clients = [open()];
    await eventually(() => server.snapshot().streams.length === 1, "the first stream");
    while (clients.length < 1_024) clients.push(open());
    await eventually(() => server.snapshot().streams.length === 1_024, "all streams");
    expect(limits).toEqual([]);

    clients.push(open());
    await eventually(() => clients[0]?.status !== undefined, "the end of the oldest");
    expect(clients[0]?.status).toMatchObject({ code: Code.PermissionDenied });
    expect(limits).toEqual([{ kind: "limitReached", limit: "refusedStreams", nodeId: undefined }]);
    for (const client of [clients[1], clients.at(-1)]) client?.send({ number: 7, method, payload });
    await eventually(
      () => clients[1]?.received.length === 1 && clients.at(-1)?.received.length === 1,
      "replies",
    );
    expect(clients.filter((client) => client.status !== undefined)).toHaveLength(1);
    for (const client of clients) client[Symbol.dispose]();
    await eventually(() => server.snapshot().streams.length === 0, "the streams to go");
  });
});
