import { createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { expect, it } from "vitest";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

it.each(transports)("a snapshot is plain data that does not change, on %s", async (transport) => {
  let finish = () => {};
  await using cluster = await createLocalCluster(2, {
    transport,
    maxQueuedRequests: 2,
    routes: (router) =>
      router.service(Test, {
        ...echoHandlers(),
        echoRPC: () =>
          new Promise((resolve) => {
            finish = () => resolve({});
          }),
      }),
  });
  const server = serverAt(cluster, 1);
  const client = await connected(
    cluster.connect({ routes: (router) => router.service(Callback, callbackHandlers()) }),
  );
  await server.waitForClients(1);
  const test = createClient(Test, client.node(1));
  const calls = [1, 2].map(() => test.echoRPC({ value: "x".repeat(100) }));
  const ofClient = () => server.snapshot().streams.find(({ nodeId }) => nodeId === 1 << 20);
  await eventually(() => ofClient()?.requests === 2);
  const snapshot = server.snapshot();

  expect(structuredClone(snapshot)).toEqual(snapshot);
  expect(JSON.parse(JSON.stringify(snapshot))).toEqual(JSON.parse(JSON.stringify({ ...snapshot })));
  const { address } = server;
  expect(snapshot).toMatchObject({
    address,
    nodeId: 1,
    peers: [
      { id: 1, address, connected: true, pendingCalls: 0 },
      { id: 2, address: cluster.nodes[2], connected: true, pendingCalls: 0 },
    ],
    clients: [{ id: 1 << 20, connected: true, pendingCalls: 0 }],
    configuration: [
      { id: 1, address, connected: true, pendingCalls: 0 },
      { id: 2, address: cluster.nodes[2], connected: true, pendingCalls: 0 },
    ],
  });
  expect(snapshot.streams).toHaveLength(2);
  const stream = ofClient();
  expect(stream).toMatchObject({ requests: 2, paused: true, refused: false });
  expect(stream?.requestBytes).toBeGreaterThan(200);
  expect(stream?.requestBytes).toBeLessThan(400);
  expect(snapshot.clients[0]?.address).toBe(stream?.remoteAddress);

  const before = structuredClone(snapshot);
  for (const call of calls) {
    finish();
    await call;
    await eventually(() => ofClient()?.requests !== 2);
  }
  await eventually(() => ofClient()?.requests === 0);
  expect(snapshot).toEqual(before);
  expect(ofClient()).toMatchObject({ requests: 0, requestBytes: 0, paused: false });
});
