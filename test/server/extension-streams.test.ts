import { connect, createClient, createServer, type Router } from "quorate";
import { createLocalCluster, createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { peerNodeOf } from "../../src/configuration/node-set.js";
import { rejectionOf } from "../calls/held-cluster.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { TestExtension } from "./test-extension.js";

checkLeaks();

const address = "127.0.0.1:0";
const routes = (router: Router) => router.service(Test, echoHandlers());

describe("extensions and streams that are dialled", () => {
  it("of a client hear of a stream before its first request, and see its end", async () => {
    const transport = createMemoryTransport();
    const extension = new TestExtension();
    const asked: Promise<unknown>[] = [];
    await using server = await createServer({
      address,
      transport,
      onClientsChange: (clients) => {
        for (const client of clients) asked.push(createClient(Callback, client).ask({ value: "x" }));
      },
    });
    await using configuration = await connect({
      nodes: { 1: server.address },
      transport,
      backoff: { minMs: 1 },
      extensions: [extension],
      routes: (router) => router.service(Callback, callbackHandlers()),
    });
    await eventually(() => asked.length === 1);
    await asked[0];
    expect(extension.told).toEqual([
      "test: attach",
      "test: streamOpened",
      "test: handle test.v1.Callback.Ask",
    ]);
    const [stream] = extension.opened;
    const node = peerNodeOf(configuration.node(1));
    expect(stream?.caller).toBe(node);
    expect(stream?.stream()).toBe(node.channel?.stream);
    expect(stream?.connection.closed.aborted).toBe(false);
    transport.breakStreams(server.address);
    await eventually(() => extension.opened.length === 2);
    expect(stream?.connection.closed.aborted).toBe(true);
    expect(extension.opened[1]?.connection.closed.aborted).toBe(false);
    expect(extension.opened[1]?.stream()).toBe(node.channel?.stream);
    expect(extension.opened[1]?.stream()).not.toBe(stream?.stream());
    await Promise.allSettled(asked);
  });

  it("of a replica hear of the streams to the others", async () => {
    const extension = new TestExtension();
    await using cluster = await createLocalCluster(2, { extensions: () => [extension], routes });
    await eventually(() => extension.opened.length === 2);
    expect(new Set(extension.opened.map(({ caller }) => caller?.id))).toEqual(new Set([1, 2]));
    expect(cluster.servers).toHaveLength(2);
  });

  it.each([
    { extensions: [new TestExtension()], clients: 1 },
    { extensions: [], clients: 0 },
  ])("make a client one that can be called back: $clients", async ({ extensions, clients }) => {
    const transport = createMemoryTransport();
    await using server = await createServer({ address, transport, routes });
    await using configuration = await connect({ nodes: { 1: server.address }, transport, extensions });
    await createClient(Test, configuration.node(1)).echoRPC({});
    expect(server.clients.size).toBe(clients);
  });
});

describe("extensions of a client", () => {
  it("begin to close before the streams end, and close after the signals of all handlers have ended", async () => {
    const told: string[] = [];
    const transport = createMemoryTransport();
    await using server = await createServer({ address, transport });
    const configuration = await connect({
      nodes: { 1: server.address },
      transport,
      extensions: [new TestExtension({ told })],
      routes: (router) =>
        router.service(Callback, {
          ...callbackHandlers(),
          ask: async (_, { signal }) => {
            told.push("runs");
            await new Promise<void>((resolve) => {
              signal.addEventListener("abort", () => resolve());
            });
            told.push("the signal ended");
            return {};
          },
        }),
    });
    await server.waitForClients(1);
    const [client] = [...server.clients];
    if (client === undefined) throw new Error("there is no client");
    const call = rejectionOf(createClient(Callback, client).ask({}));
    await eventually(() => told.includes("runs"));
    await configuration.close({ graceMs: 10 });
    expect(told.slice(told.indexOf("runs"))).toEqual([
      "runs",
      "test: closing",
      "the signal ended",
      "test: close",
    ]);
    await call;
  });

  it("fail a connection that they cannot be attached to, with nothing left open", async () => {
    const told: string[] = [];
    const failure = new Error("no");
    const connecting = connect({
      nodes: { 1: "127.0.0.1:1" },
      transport: createMemoryTransport(),
      routes: (router) => router.onClose(() => told.push("routes")),
      extensions: [
        new TestExtension({ name: "a", told }),
        new TestExtension({ name: "b", told, attach: () => Promise.reject(failure) }),
      ],
    });
    await expect(connecting).rejects.toBe(failure);
    expect(told).toEqual(["a: attach", "b: attach", "a: close", "routes"]);
  });
});
