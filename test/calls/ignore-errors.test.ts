import { Code, createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { rejectionOf } from "./held-cluster.js";

checkLeaks();

const numbers = Array.from({ length: 50 }, (_, at) => String(at + 1));

describe.each(transports)("one-way calls, on %s", (transport) => {
  describe.each([1, 3, 9])("to %i servers", (size) => {
    it.each([
      ["[MC-01] multicasts", {}],
      ["[MC-02] multicasts that ignore errors", { ignoreErrors: true }],
    ])("%s reach each once, from 1 to 50", async (_, options) => {
      const received = new Map<number, string[]>();
      await using cluster = await createLocalCluster(size, {
        transport,
        routes: (router, node) => {
          const seen: string[] = [];
          received.set(node, seen);
          router.service(Test, { ...echoHandlers(), echoMulticast: ({ value }) => seen.push(value) });
        },
      });
      const test = createClient(Test, await cluster.connect());
      for (const value of numbers) await test.echoMulticast({ value }, options);
      await eventually(() => [...received.values()].every(({ length }) => length >= 50));
      // A last call is behind anything that would come twice.
      await test.echoQC({}).all();
      expect([...received.values()]).toEqual(Array.from({ length: size }, () => numbers));
    });
  });

  it("[UC-03] [UC-05] fail at a server that is gone, unless they ignore errors; either way nothing stays", async () => {
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) => router.service(Test, echoHandlers()),
    });
    const client = await connected(cluster.connect());
    await serverAt(cluster, 1).close();
    await eventually(() => !client.node(1).connected);
    const test = createClient(Test, client.node(1));
    // The first attempt after a loss is made at once, and calls wait for it.
    await eventually(() => rejectionOf(test.echoRPC({})).then(({ reason }) => reason === "NOT_CONNECTED"));
    for (const options of [{}, { ignoreErrors: false }]) {
      expect((await rejectionOf(test.echoUnicast({}, options))).code).toBe(Code.Unavailable);
    }
    await expect(test.echoUnicast({}, { ignoreErrors: true })).resolves.toBeUndefined();
    expect(client.node(1).pendingCalls).toBe(0);
  });

  it("[MC-08] leave nothing pending: 1,000 multicasts to 3 servers that nobody waits for", async () => {
    let received = 0;
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoMulticast: () => {
            received += 1;
          },
        }),
    });
    const client = await cluster.connect();
    const test = createClient(Test, client);
    for (let at = 0; at < 1_000; at++) void test.echoMulticast({}, { ignoreErrors: true });
    await eventually(() => client.nodes.every(({ pendingCalls }) => pendingCalls === 0));
    await eventually(() => received >= 3_000);
    expect(received).toBe(3_000);
  });
});
