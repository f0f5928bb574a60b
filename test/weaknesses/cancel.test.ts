import { Code, connect, createClient, createServer, type QuorateEvent } from "quorate";
import { describe, expect, it } from "vitest";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { connected } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import {
  collectFrames,
  envelopeBytes,
  frame,
  openHttp2Client,
  openRawClient,
  openRawServer,
  type RawAccepted,
  type RawServer,
} from "../transport/raw-peers.js";
import {
  ask,
  echoed,
  echoRPC,
  replyPayload,
  replyValue,
  requestPayload,
  requestValue,
} from "./echo-envelopes.js";

checkLeaks();

const patient = { timeoutMs: Number.POSITIVE_INFINITY };
/** More than HTTP/2 lets a sender write to a stream that nobody reads. */
const large = "x".repeat(1_000_000);

/** How a caller gives a call up, and the code that the call ends with. */
const waysToGiveUp = [
  {
    name: "its signal",
    code: Code.Canceled,
    make: () => {
      const controller = new AbortController();
      return { options: { ...patient, signal: controller.signal }, giveUp: () => controller.abort() };
    },
  },
  {
    name: "its deadline",
    code: Code.DeadlineExceeded,
    make: () => ({ options: { timeoutMs: 60 }, giveUp: () => {} }),
  },
];

async function streamOf(server: RawServer): Promise<RawAccepted> {
  await eventually(() => server.streams.length > 0, "the stream");
  const [stream] = server.streams;
  if (stream === undefined) throw new Error("unreachable");
  return stream;
}

describe("a call that ends while it is being written", () => {
  it.each(waysToGiveUp)(
    "[W-04] by $name leaves its stream alone, and the calls on it",
    async ({ code, make }) => {
      await using server = await openRawServer();
      const ended: QuorateEvent[] = [];
      await using configuration = await connected(
        connect({
          nodes: [server.address],
          onEvent: (event) => {
            if (event.kind === "streamEnded") ended.push(event);
          },
        }),
      );
      const client = createClient(Test, configuration.node(1));
      const before = client.echoRPC({ value: "before" }, { ...patient, resend: true });
      // Once this is written the next is given to the transport at once.
      await client.echoUnicast({ value: "one-way" });
      const { options, giveUp } = make();
      const call = client.echoRPC({ value: large }, options);
      const behind = client.echoRPC({ value: "behind" }, patient);
      giveUp();
      await expect(call).rejects.toMatchObject({ code });
      expect(configuration.node(1)).toMatchObject({ connected: true, pendingCalls: 2 });

      const received: string[] = [];
      const stream = await streamOf(server);
      stream.on("data", (bytes: Buffer) => {
        received.push(requestValue(bytes));
        stream.write(echoed(bytes));
      });
      await expect(Promise.all([before, behind])).resolves.toMatchObject([
        { value: "echo: before" },
        { value: "echo: behind" },
      ]);
      expect(received).toEqual(["before", "one-way", large, "behind"]);
      expect(ended).toEqual([]);
      expect(server.streams).toHaveLength(1);
    },
  );

  it("[W-04] because a majority is there, reaches the slow node all the same, on the same stream", async () => {
    const servers = await Promise.all(
      [2, 3].map((id) =>
        createServer({
          address: "127.0.0.1:0",
          routes: (router) => router.service(Test, echoHandlers(id)),
        }),
      ),
    );
    await using slow = await openRawServer();
    const [second, third] = servers.map(({ address }) => address);
    await using configuration = await connected(
      connect({ nodes: [slow.address, second ?? "", third ?? ""] }),
    );
    await createClient(Test, configuration.node(1)).echoUnicast({ value: "one-way" });
    const controller = new AbortController();
    const write = createClient(Test, configuration).echoQC(
      { value: large },
      { ...patient, signal: controller.signal },
    );
    await write.majority();
    controller.abort();
    const next = createClient(Test, configuration.node(1)).echoRPC({ value: "next" }, patient);
    const received: string[] = [];
    const stream = await streamOf(slow);
    stream.on("data", (bytes: Buffer) => {
      received.push(requestValue(bytes));
      stream.write(echoed(bytes));
    });
    await expect(next).resolves.toMatchObject({ value: "echo: next" });
    expect(received).toEqual(["one-way", large, "next"]);
    expect(slow.streams).toHaveLength(1);
    await Promise.all(servers.map((server) => server.close()));
  });

  it.each(waysToGiveUp)(
    "[W-06] by $name leaves an accepted stream as useful as before",
    async ({ code, make }) => {
      await using server = await createServer({
        address: "127.0.0.1:0",
        routes: (router) => router.service(Test, echoHandlers(1)),
      });
      // A client of grpc-js would read ahead of a user who does not read yet.
      using client = openHttp2Client(server.address, { "gorums-node-id": "0" });
      await server.waitForClients(1);
      const { clients } = server;
      const [node] = clients.nodes;
      if (node === undefined) throw new Error("no client");
      const callback = createClient(Callback, node);
      await callback.notifyOne({ number: 1 });
      const { options, giveUp } = make();
      const call = callback.ask({ value: large }, options);
      giveUp();
      await expect(call).rejects.toMatchObject({ code });
      expect(server.clients).toBe(clients);
      expect(node).toMatchObject({ connected: true, pendingCalls: 0 });

      // Its requests are answered, and it is called.
      const send = (envelope: Parameters<typeof envelopeBytes>[0]) =>
        client.stream.write(frame(envelopeBytes(envelope)));
      send({ number: 7, method: echoRPC, payload: requestPayload("still there?") });
      const later = callback.ask({ value: "later" }, patient);
      const frames = collectFrames(client.stream);
      await eventually(() => frames.length === 4, "what waited for it");
      const received = frames.map(({ bytes }) => bytes);
      expect(requestValue(received[1] ?? Buffer.alloc(0))).toBe(large);
      const isCall = (bytes: Buffer) => decodeEnvelope(bytes).serverInitiated;
      const reply = received.find((bytes) => !isCall(bytes)) ?? Buffer.alloc(0);
      expect(replyValue(reply)).toBe("echo: still there?");
      const asked = received.findLast(isCall) ?? Buffer.alloc(0);
      expect(requestValue(asked)).toBe("later");
      send({ ...decodeEnvelope(asked), method: ask, payload: replyPayload("yes") });
      await expect(later).resolves.toMatchObject({ value: "yes" });
      expect(server.clients).toBe(clients);
      expect(client.stream.closed).toBe(false);
    },
  );
});

describe("calls that end unanswered", () => {
  it("[W-12] leave nothing behind, at a server that answers nothing", async () => {
    await using server = await openRawServer((stream) => stream.resume());
    await using configuration = await connected(connect({ nodes: [server.address] }));
    const node = configuration.node(1);
    const controller = new AbortController();
    const outcomes = Array.from({ length: 2_000 }, (_, at) => {
      const options = at % 2 === 0 ? { timeoutMs: 50 } : { ...patient, signal: controller.signal };
      const call =
        at % 4 < 2
          ? createClient(Test, node).echoRPC({}, options)
          : createClient(Test, configuration).echoQC({}, options).majority();
      return call.catch(() => {});
    });
    expect(node.pendingCalls).toBe(2_000);
    controller.abort();
    await Promise.all(outcomes);
    expect(node).toMatchObject({ connected: true, pendingCalls: 0 });
  });

  it("[W-12] leave nothing behind, at clients that answer nothing", async () => {
    await using server = await createServer({ address: "127.0.0.1:0" });
    using client = openRawClient(server.address, { "gorums-node-id": "0" });
    client.read();
    await server.waitForClients(1);
    const calls = Array.from({ length: 1_000 }, (_, at) =>
      createClient(Callback, server.clients)
        .askAll({}, at % 2 === 0 ? { timeoutMs: 50 } : { signal: AbortSignal.timeout(50) })
        .first()
        .catch(() => {}),
    );
    expect(server.clients.nodes.map(({ pendingCalls }) => pendingCalls)).toEqual([1_000]);
    await Promise.all(calls);
    expect(server.clients.nodes).toMatchObject([{ connected: true, pendingCalls: 0 }]);
  });

  it("[W-12] are no requests to whoever made them, when their replies come late", async () => {
    const served: string[] = [];
    await using server = await openRawServer();
    await using configuration = await connected(
      connect({
        nodes: [server.address],
        // It serves the method that it calls.
        routes: (router) => {
          router.service(Callback, callbackHandlers());
          router.service(Test, {
            ...echoHandlers(),
            echoRPC: ({ value }) => {
              served.push(value);
              return {};
            },
          });
        },
      }),
    );
    const client = createClient(Test, configuration.node(1));
    await expect(client.echoRPC({ value: "given up" }, { timeoutMs: 30 })).rejects.toMatchObject({
      code: Code.DeadlineExceeded,
    });
    const stream = await streamOf(server);
    stream.on("data", (bytes: Buffer) => stream.write(echoed(bytes)));
    await expect(client.echoRPC({ value: "answered" }, patient)).resolves.toMatchObject({
      value: "echo: answered",
    });
    expect(served).toEqual([]);
  });
});
