import { createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { expect, it } from "vitest";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

it.each(transports)(
  "[PL-04] [W-12] 10,000 rpcs and 1,000 quorum calls leave no entry on either side, on %s",
  async (transport) => {
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const client = await connected(
      cluster.connect({ routes: (router) => router.service(Callback, callbackHandlers()) }),
    );
    const pending = () => client.nodes.map((node) => node.pendingCalls);
    const requests = () =>
      cluster.servers.flatMap((server) => {
        const { streams, clients, peers, configuration } = server.snapshot();
        return [
          ...streams.flatMap((stream) => [stream.requests, stream.requestBytes]),
          ...[...clients, ...peers, ...configuration].map((node) => node.pendingCalls),
        ].filter((count) => count !== 0);
      });

    let sum = 0;
    for (let batch = 0; batch < 10; batch++) {
      const calls = Array.from({ length: 1_000 }, (_, at) =>
        createClient(Test, client.node((at % 3) + 1)).echoRPC({ value: "x" }),
      );
      sum += (await Promise.all(calls)).length;
    }
    expect(sum).toBe(10_000);
    expect(pending()).toEqual([0, 0, 0]);

    const test = createClient(Test, client);
    for (let batch = 0; batch < 10; batch++) {
      // Every other one leaves a node behind.
      const calls = Array.from({ length: 100 }, (_, at) => {
        const responses = test.echoQC({ value: "x" });
        return at % 2 === 0 ? responses.majority() : responses.all();
      });
      await Promise.all(calls);
    }
    expect(pending()).toEqual([0, 0, 0]);

    const server = serverAt(cluster, 1);
    await server.waitForClients(1);
    const asked = Array.from({ length: 1_000 }, () =>
      createClient(Callback, server.clients).askAll({ value: "x" }).first(),
    );
    await Promise.all(asked);
    await eventually(() => requests().length === 0);
    expect(server.clients.nodes.map((node) => node.pendingCalls)).toEqual([0]);
  },
);
