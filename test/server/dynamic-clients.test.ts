import { Code, createClient, createServer, type QuorateEvent, type Router } from "quorate";
import { createLocalCluster, createMemoryTransport, type LocalClusterOptions } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { features, RawPeer } from "./raw-peer.js";

checkLeaks();

const first = 1 << 20;
const dynamic = { "gorums-node-id": "0", ...features };

describe.each(transports)("dynamic clients, on %s", (transport) => {
  const open = (options: LocalClusterOptions = {}) =>
    createLocalCluster(1, {
      ...options,
      transport,
      routes: (router) => router.service(Test, echoHandlers(1)),
    });
  const callable = { routes: (router: Router) => router.service(Callback, callbackHandlers()) };

  it("[DC-02] [DC-03] [DC-05] have ids from 2^20, counted up and never used again", async () => {
    await using cluster = await open();
    const server = serverAt(cluster, 1);
    const one = await cluster.connect(callable);
    await server.waitForClients(1);
    const two = await cluster.connect(callable);
    await server.waitForClients(2);
    expect(server.clients.ids).toEqual([first, first + 1]);
    await two.close();
    await server.waitForClients(({ size }) => size === 1);
    await one.close();
    await server.waitForClients(({ size }) => size === 0);
    await cluster.connect(callable);
    await server.waitForClients(1);
    expect(server.clients.ids).toEqual([first + 2]);
    // They never touch the peers.
    expect(server.peers.ids).toEqual([1]);
  });

  it("[DC-07] are only those that can be called", async () => {
    await using cluster = await open();
    const plain = await cluster.connect();
    await createClient(Test, plain.node(1)).echoRPC({});
    expect(serverAt(cluster, 1).clients.size).toBe(0);
    expect(serverAt(cluster, 1).snapshot().streams).toMatchObject([{ nodeId: undefined }]);
  });

  it("are called on the streams that they opened", async () => {
    const notified: number[] = [];
    await using cluster = await open();
    const server = serverAt(cluster, 1);
    for (const size of [1, 2]) {
      await cluster.connect({
        routes: (router) =>
          router.service(
            Callback,
            callbackHandlers((number) => notified.push(number * size)),
          ),
      });
      await server.waitForClients(size);
    }
    expect((await createClient(Callback, server.clients.node(first)).ask({ value: "x" })).value).toBe(
      "asked: x",
    );
    await createClient(Callback, server.clients).notify({ number: 7 });
    await createClient(Callback, server.clients.node(first + 1)).notifyOne({ number: 5 });
    await eventually(() => notified.length === 3);
    expect(notified.sort((a, b) => a - b)).toEqual([7, 10, 14]);
    expect(server.snapshot().streams).toHaveLength(2);
  });

  it("come back as new nodes when their stream breaks", async () => {
    await using cluster = await open();
    const server = serverAt(cluster, 1);
    const network = transport === "memory" ? cluster.network : undefined;
    const peer = await RawPeer.dial(server.address, dynamic, network);
    await server.waitForClients(1);
    const node = server.clients.node(first);
    await peer[Symbol.asyncDispose]();
    await server.waitForClients(({ size }) => size === 0);
    await RawPeer.dial(server.address, dynamic, network);
    await server.waitForClients(1);
    expect(server.clients.ids).toEqual([first + 1]);
    expect(node.connected).toBe(false);
    // The old node says that its stream was lost; it does not reach whoever is there now.
    expect(await rejectionOf(createClient(Callback, node).ask({}))).toMatchObject({
      code: Code.Unavailable,
      reason: "STREAM_LOST",
    });
  });

  it("leave as soon as they close, however long their requests still run", async () => {
    let finish = () => {};
    let ran = false;
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoUnicast: () =>
            new Promise<void>((resolve) => {
              finish = () => {
                ran = true;
                resolve();
              };
            }),
        }),
    });
    const server = serverAt(cluster, 1);
    const client = await cluster.connect(callable);
    await server.waitForClients(1);
    const [node] = server.clients.nodes;
    await createClient(Test, client.node(1)).echoUnicast({});
    await eventually(() => server.snapshot().streams[0]?.requests === 1);
    const closed = client.close();
    await server.waitForClients(({ size }) => size === 0);
    expect(server.snapshot().streams).toMatchObject([{ nodeId: node?.id, requests: 1 }]);
    finish();
    await closed;
    expect(ran).toBe(true);
    await eventually(() => server.snapshot().counters.streamEnded === 1);
    expect(server.snapshot().streams).toEqual([]);
  });

  it("are refused above the bound, and room is made by whoever leaves", async () => {
    const events: QuorateEvent[] = [];
    await using cluster = await open({ maxDynamicClients: 2, onEvent: (event) => events.push(event) });
    const server = serverAt(cluster, 1);
    const network = transport === "memory" ? cluster.network : undefined;
    const dial = (headers: Record<string, string>) => RawPeer.dial(server.address, headers, network);
    const one = await dial(dynamic);
    await dial(dynamic);
    await server.waitForClients(2);
    await using refused = await dial(dynamic);
    expect(await refused.ended()).toMatchObject({ code: Code.ResourceExhausted });
    expect(refused.status?.message).toContain("no more dynamic clients: 2 are connected (maxDynamicClients)");
    await using goPeer = await dial({ "gorums-node-id": "0" });
    await goPeer.request(1, "test.v1.Test.EchoRPC");
    expect((await goPeer.reply(1)).status).toMatchObject({ code: Code.ResourceExhausted });
    expect(events.filter(({ kind }) => kind === "limitReached")).toEqual([
      { kind: "limitReached", limit: "dynamicClients", nodeId: undefined },
      { kind: "limitReached", limit: "dynamicClients", nodeId: undefined },
    ]);
    expect(server.clients.ids).toEqual([first, first + 1]);
    await one[Symbol.asyncDispose]();
    await server.waitForClients(({ size }) => size === 1);
    await dial(dynamic);
    await server.waitForClients(2);
    // Who was refused took no id.
    expect(server.clients.ids).toEqual([first + 1, first + 2]);
  });

  it("[DC-04] stand beside known peers", async () => {
    await using cluster = await createLocalCluster(2, { transport });
    const server = serverAt(cluster, 1);
    await cluster.connect(callable);
    await server.waitForClients(1);
    expect(server.peers.ids).toEqual([1, 2]);
    expect(server.clients.ids).toEqual([first]);
  });
});

it("[DC-01] a server without nodes has no self, no peers and no clients", async () => {
  await using server = await createServer({ address: "127.0.0.1:0", transport: createMemoryTransport() });
  expect(server.peers.ids).toEqual([]);
  expect(server.clients.ids).toEqual([]);
  expect(server.configuration.ids).toEqual([]);
  expect(server.snapshot().nodeId).toBeUndefined();
});
