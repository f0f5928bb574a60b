import { Code, connect, createClient, createServer, QuorateError, type QuorateEvent } from "quorate";
import { createLocalCluster, createMemoryTransport } from "quorate/testing";
import { describe, expect, it, vi } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { features, RawPeer } from "./raw-peer.js";

checkLeaks();

type Kind = QuorateEvent["kind"];

function recorder() {
  const events: QuorateEvent[] = [];
  return {
    events,
    onEvent: (event: QuorateEvent) => void events.push(event),
    of: <K extends Kind>(kind: K) =>
      events.filter((event): event is Extract<QuorateEvent, { kind: K }> => event.kind === kind),
  };
}

describe.each(transports)("onEvent, on %s", (transport) => {
  it("tells both ends of streams that open and end, and counts them", async () => {
    const [ofServer, ofClient] = [recorder(), recorder()];
    await using cluster = await createLocalCluster(1, {
      transport,
      onEvent: ofServer.onEvent,
      routes: (router) => router.service(Test, echoHandlers()),
    });
    const server = serverAt(cluster, 1);
    const client = await connected(
      cluster.connect({
        onEvent: ofClient.onEvent,
        routes: (router) => router.service(Callback, callbackHandlers()),
      }),
    );
    await server.waitForClients(1);
    const address = expect.any(String) as string;
    expect(ofServer.events).toEqual([
      { kind: "streamOpened", direction: "inbound", nodeId: 1 << 20, address },
    ]);
    expect(ofClient.events).toEqual([
      { kind: "streamOpened", direction: "outbound", nodeId: 1, address: server.address },
    ]);
    await client.close();
    const ended = { kind: "streamEnded", error: undefined, droppedRequests: 0 };
    expect(ofClient.of("streamEnded")).toEqual([
      { ...ended, direction: "outbound", nodeId: 1, address: server.address },
    ]);
    await eventually(() => ofServer.of("streamEnded").length === 1);
    expect(ofServer.of("streamEnded")).toEqual([
      { ...ended, direction: "inbound", nodeId: 1 << 20, address },
    ]);
    expect(server.snapshot().counters).toEqual({
      streamOpened: 1,
      streamEnded: 1,
      connectFailed: 0,
      streamRefused: 0,
      streamReplaced: 0,
      lateReply: 0,
      limitReached: 0,
      handlerFailed: 0,
      callbackFailed: 0,
      limits: {
        sendQueue: 0,
        requestQueue: 0,
        messageSize: 0,
        dynamicClients: 0,
        refusedStreams: 0,
        unidentifiedStreams: 0,
        replyQueue: 0,
      },
    });
  });

  it("tells of attempts to connect that fail, and of when the next comes", async () => {
    const ofClient = recorder();
    const network = createMemoryTransport();
    await using server = await createServer({
      address: "127.0.0.1:0",
      ...(transport === "memory" ? { transport: network } : {}),
    });
    const { address } = server;
    await server.close();
    await using client = await connect({
      nodes: { 7: address },
      ...(transport === "memory" ? { transport: network } : {}),
      backoff: { minMs: 5, maxMs: 20, jitter: 0, factor: 2 },
      onEvent: ofClient.onEvent,
    });
    await eventually(() => ofClient.of("connectFailed").length >= 4);
    expect(client.node(7).connected).toBe(false);
    const failed = ofClient.of("connectFailed").slice(0, 4);
    expect(failed.map(({ retryMs }) => retryMs)).toEqual([5, 10, 20, 20]);
    expect(failed[0]).toMatchObject({ nodeId: 7, address, error: { code: Code.Unavailable } });
  });

  it("tells of a stream that is lost, with its reason", async () => {
    const ofClient = recorder();
    await using cluster = await createLocalCluster(1, { transport });
    await connected(cluster.connect({ onEvent: ofClient.onEvent }));
    await serverAt(cluster, 1).close();
    await eventually(() => ofClient.of("streamEnded").length === 1);
    const [lost] = ofClient.of("streamEnded");
    expect(lost?.error).toBeInstanceOf(QuorateError);
    expect(lost?.error).toMatchObject({
      code: Code.Unavailable,
      message: "quorate: the server is closing",
    });
  });

  it("tells of handlers that fail, of either kind of method, and of undecodable requests", async () => {
    const ofServer = recorder();
    await using cluster = await createLocalCluster(1, {
      transport,
      maskErrors: true,
      onEvent: ofServer.onEvent,
      routes: (router) => {
        const fail = ({ value }: { value: string }) => {
          throw new RangeError(value);
        };
        router.service(Test, { ...echoHandlers(), echoRPC: fail, echoUnicast: fail });
      },
    });
    const test = createClient(Test, (await cluster.connect()).node(1));
    await test.echoUnicast({ value: "one-way" });
    await rejectionOf(test.echoRPC({ value: "two-way" }));
    // The event has the error itself, whatever callers get.
    expect(
      ofServer.of("handlerFailed").map(({ method, error }) => [method, error.message, error.cause]),
    ).toEqual([
      ["test.v1.Test.EchoUnicast", "one-way", new RangeError("one-way")],
      ["test.v1.Test.EchoRPC", "two-way", new RangeError("two-way")],
    ]);
    expect(serverAt(cluster, 1).snapshot().counters.handlerFailed).toBe(2);
  });

  it("[W-12] tells of a late reply to a call of a server", async () => {
    const ofServer = recorder();
    await using cluster = await createLocalCluster(1, { transport, onEvent: ofServer.onEvent });
    const server = serverAt(cluster, 1);
    const answers: (() => void)[] = [];
    for (const size of [1, 2]) {
      await cluster.connect({
        routes: (router) =>
          router.service(Callback, {
            ...callbackHandlers(),
            askAll: () =>
              new Promise((resolve) => {
                answers[size] = () => resolve({});
              }),
          }),
      });
      await server.waitForClients(size);
    }
    const [fast, slow] = server.clients.nodes;
    const first = createClient(Callback, server.clients).askAll({}).first();
    await eventually(() => answers[1] !== undefined && answers[2] !== undefined);
    answers[1]?.();
    await first;
    expect([fast?.pendingCalls, slow?.pendingCalls]).toEqual([0, 0]);
    expect(ofServer.of("lateReply")).toEqual([]);
    answers[2]?.();
    await eventually(() => ofServer.of("lateReply").length > 0);
    expect(ofServer.of("lateReply")).toEqual([
      { kind: "lateReply", nodeId: slow?.id, method: "test.v1.Callback.AskAll" },
    ]);
  });

  it("tells of messages that are too large, on the side that refuses them", async () => {
    const [ofServer, ofClient] = [recorder(), recorder()];
    await using cluster = await createLocalCluster(1, {
      transport,
      maxMessageBytes: 1_000,
      onEvent: ofServer.onEvent,
      routes: (router) => router.service(Test, echoHandlers()),
    });
    const own = createClient(
      Test,
      (await cluster.connect({ maxMessageBytes: 500, onEvent: ofClient.onEvent })).node(1),
    );
    const generous = createClient(Test, (await cluster.connect()).node(1));
    const tooLarge = { code: Code.ResourceExhausted, reason: "MESSAGE_TOO_LARGE" };
    expect(await rejectionOf(own.echoRPC({ value: "x".repeat(600) }))).toMatchObject(tooLarge);
    expect(ofServer.of("limitReached")).toEqual([]);
    expect(ofClient.of("limitReached")).toEqual([{ kind: "limitReached", limit: "messageSize", nodeId: 1 }]);
    // Above the limit of the server, which its own limit does not know of.
    expect(await rejectionOf(generous.echoRPC({ value: "x".repeat(1_200) }))).toMatchObject(tooLarge);
    expect(ofServer.of("limitReached")).toHaveLength(1);
    const { limitReached, limits } = serverAt(cluster, 1).snapshot().counters;
    expect({ limitReached, messageSize: limits.messageSize }).toEqual({ limitReached: 1, messageSize: 1 });
    // Neither stream is lost.
    await own.echoRPC({ value: "x" });
    await generous.echoRPC({ value: "x" });
    expect(ofServer.of("streamEnded")).toEqual([]);
  });

  it("tells of a peer that sends what is no envelope, and refuses it", async () => {
    const ofServer = recorder();
    await using cluster = await createLocalCluster(1, {
      transport,
      onEvent: ofServer.onEvent,
      routes: (router) => router.service(Test, echoHandlers()),
    });
    const server = serverAt(cluster, 1);
    const network = transport === "memory" ? cluster.network : undefined;
    await using quorate = await RawPeer.dial(server.address, { "gorums-node-id": "0", ...features }, network);
    await server.waitForClients(1);
    await quorate.write(Uint8Array.of(0xff, 0xff, 0xff));
    expect(await quorate.ended()).toMatchObject({ code: Code.InvalidArgument });
    expect(server.clients.size).toBe(0);
    await using goPeer = await RawPeer.dial(server.address, { "gorums-node-id": "0" }, network);
    await server.waitForClients(1);
    await goPeer.write(Uint8Array.of(0xff, 0xff, 0xff));
    await server.waitForClients(({ size }) => size === 0);
    await goPeer.request(3, "test.v1.Test.EchoRPC");
    expect((await goPeer.reply(3)).status).toMatchObject({ code: Code.InvalidArgument });
    expect(ofServer.of("streamRefused").map(({ error }) => error.reason)).toEqual([
      "MALFORMED_ENVELOPE",
      "MALFORMED_ENVELOPE",
    ]);
    expect(server.snapshot().streams).toMatchObject([{ refused: true }]);
  });
});

it("survives a listener that throws", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  await using cluster = await createLocalCluster(1, {
    onEvent: () => {
      throw new Error("broken");
    },
    routes: (router) => router.service(Test, echoHandlers()),
  });
  const client = await cluster.connect();
  expect((await createClient(Test, client.node(1)).echoRPC({ value: "x" })).value).toBe("echo: x");
  expect(serverAt(cluster, 1).snapshot().counters).toMatchObject({ streamOpened: 1, callbackFailed: 1 });
  expect(warn).toHaveBeenCalledWith("quorate: onEvent threw: Error: broken");
  warn.mockRestore();
});
