import { Code, createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

describe.each(transports)("OwnedConfiguration.close, on %s", (transport) => {
  it("[J-04] loses none of 1,000 acknowledged one-way calls that were made just before", async () => {
    const received: string[] = [];
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, { ...echoHandlers(), echoUnicast: ({ value }) => received.push(value) }),
    });
    const client = await cluster.connect();
    const test = createClient(Test, client.node(1));
    const values = Array.from({ length: 1_000 }, (_, at) => String(at));
    await Promise.all(values.map((value) => test.echoUnicast({ value })));
    await client.close();
    await eventually(() => received.length === 1_000);
    expect(received).toEqual(values);
  });

  it("[J-04] loses none of them behind a handler that is slow, either", async () => {
    const received: string[] = [];
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoUnicast: async ({ value }) => {
            await gate;
            received.push(value);
          },
        }),
    });
    const client = await cluster.connect();
    const test = createClient(Test, client.node(1));
    const values = Array.from({ length: 1_000 }, (_, at) => String(at));
    await Promise.all(values.map((value) => test.echoUnicast({ value })));
    // It waits for the peer for about a second, no longer.
    const closed = client.close();
    open();
    await closed;
    await eventually(() => received.length === 1_000);
    expect(received).toEqual(values);
  });

  it("[LC-05] [ER-07] fails what is pending and what comes later with CLOSED", async () => {
    await using cluster = await createLocalCluster(2, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoQC: (_, { signal }) =>
            new Promise((resolve) => signal.addEventListener("abort", () => resolve({}))),
        }),
    });
    const client = await connected(cluster.connect());
    // From their first replies on it knows that the servers take cancels.
    for (const node of client) await createClient(Test, node).echoRPC({});
    const pending = rejectionOf(createClient(Test, client).echoQC({}).all());
    await client.close();
    expect(await pending).toMatchObject({ code: Code.Unavailable, reason: "INCOMPLETE" });
    expect((await pending).message).toMatch(/node 1: quorate: node closed: node 1 \(127\.0\.0\.1:\d+\)/);
    const later = await rejectionOf(createClient(Test, client.node(1)).echoRPC({}, { waitForReady: true }));
    expect(later).toMatchObject({ code: Code.Unavailable, reason: "CLOSED" });
    expect(client.nodes.map((node) => [node.connected, node.pendingCalls])).toEqual([
      [false, 0],
      [false, 0],
    ]);
    // Sets made from it have no streams of their own.
    const part = await rejectionOf(createClient(Test, client.without(1)).echoQC({}).all());
    expect(part.code).toBe(Code.Unavailable);
  });

  it("closes once, however often it is called, also before anything is connected", async () => {
    await using cluster = await createLocalCluster(2, { transport });
    const client = await cluster.connect();
    await Promise.all([client.close(), client.close(), client[Symbol.asyncDispose]()]);
    await client.close();
    // The stream that is left is that of the other server.
    await eventually(() => cluster.servers.every((server) => server.snapshot().streams.length === 1));
    expect(client.nodes.map((node) => node.connected)).toEqual([false, false]);
  });

  it("[CF-18] sets made from one configuration share its streams, and cannot close them", async () => {
    await using cluster = await createLocalCluster(6, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const all = await connected(cluster.connect());
    const part = all.without(1, 2);
    const again = part.union(all);
    const rest = again.difference(part);
    for (const configuration of [all, part, again, rest]) {
      const calls = Array.from({ length: 5 }, () => createClient(Test, configuration).echoQC({}).majority());
      await Promise.all(calls);
      expect("close" in configuration).toBe(configuration === all);
    }
    expect(serverAt(cluster, 4).snapshot().counters.streamOpened).toBe(5 + 5 + 1);
  });

  it("ends the handlers of requests that came on its streams", async () => {
    let running = false;
    let ended: unknown;
    await using cluster = await createLocalCluster(1, { transport });
    const server = serverAt(cluster, 1);
    const client = await cluster.connect({
      routes: (router) =>
        router.service(Callback, {
          ...callbackHandlers(),
          ask: (_, { signal }) =>
            new Promise((resolve) => {
              running = true;
              signal.addEventListener("abort", () => {
                ended = signal.reason;
                resolve({});
              });
            }),
        }),
    });
    await server.waitForClients(1);
    const [node] = server.clients.nodes;
    if (node === undefined) throw new Error("there is no client");
    const call = rejectionOf(createClient(Callback, node).ask({}));
    await eventually(() => running);
    await client.close();
    expect((await call).code).toBe(Code.Unavailable);
    await eventually(() => ended !== undefined);
    expect(server.clients.size).toBe(0);
  });
});
