import { createClient, createServer, type Router } from "quorate";
import { createLocalCluster, createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

describe.each(transports)("after a restart of a server, on %s", (transport) => {
  it("[W-08] [LC-14] its clients and peers are back within a second, also without traffic", async () => {
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const callable = { routes: (router: Router) => router.service(Callback, callbackHandlers()) };
    const clients = await Promise.all([1, 2, 3].map(() => connected(cluster.connect(callable))));
    await serverAt(cluster, 2).waitForClients(3);
    const before = clients.map((client) => client.node(2));
    await serverAt(cluster, 2).close();
    await eventually(() => before.every((node) => !node.connected));
    const server = await cluster.restart(2);
    const startedAt = performance.now();
    await Promise.all([server.waitForClients(3), server.waitForPeers(3)]);
    await eventually(() => before.every((node) => node.connected));
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    // The same node objects, in the same configurations.
    for (const node of before) expect((await createClient(Test, node).echoRPC({})).server).toBe(2);
    // And the other way: the clients can be called without having called.
    expect(
      await createClient(Callback, server.clients)
        .askAll({})
        .all(({ length }) => length),
    ).toBe(3);
    await Promise.all(cluster.servers.map((one) => one.waitForPeers(3)));
    expect(cluster.servers.map(({ peers }) => peers.ids)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(
      await createClient(Test, server.configuration)
        .echoQC({})
        .all(({ length }) => length),
    ).toBe(3);
  });

  it("[KP-05] each restart brings its peers back, three times in a row", async () => {
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    for (const id of [1, 3, 1]) {
      await serverAt(cluster, id).close();
      await cluster.restart(id);
      await Promise.all(cluster.servers.map((server) => server.waitForPeers(3, { timeoutMs: 5_000 })));
      for (const { peers } of cluster.servers) {
        expect(
          await createClient(Test, peers)
            .echoQC({})
            .all(({ length }) => length),
        ).toBe(3);
      }
    }
  });
});

it("[W-08] replicas that start one after the other find each other, however long they wait between attempts", async () => {
  const transport = createMemoryTransport();
  const nodes = { 1: "127.0.0.1:1", 2: "127.0.0.1:2", 3: "127.0.0.1:3" };
  const failed: number[] = [];
  const start = (nodeId: number) =>
    createServer({
      nodes,
      nodeId,
      transport,
      backoff: { minMs: 600_000, maxMs: 600_000 },
      onEvent: (event) => {
        if (event.kind === "connectFailed") failed.push(nodeId);
      },
    });
  await using first = await start(1);
  await eventually(() => failed.length === 2);
  await using second = await start(2);
  await eventually(() => failed.length === 3);
  await using third = await start(3);
  const servers = [first, second, third];
  await Promise.all(servers.map((server) => server.waitForPeers(3, { timeoutMs: 5_000 })));
  await eventually(() =>
    servers.every(({ configuration }) => configuration.nodes.every((node) => node.connected)),
  );
  // Whoever was dialled dialled back at once, rather than after ten minutes.
  expect(failed).toEqual([1, 1, 2]);
});
