import { createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { serverAt, transports } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";

checkLeaks();

/** How long each test calls without a pause, in milliseconds. */
const stressMs = Number(process.env["QUORATE_STRESS_MS"] ?? 300);

/** Servers that hold each request against the one before it. */
async function countingCluster(size: number, transport: "memory" | "loopback") {
  const last = new Map<number, number>();
  const outOfOrder: string[] = [];
  const cluster = await createLocalCluster(size, {
    transport,
    routes: (router, node) => {
      const note = ({ value }: { value: string }) => {
        const before = last.get(node) ?? -1;
        if (Number(value) !== before + 1) outOfOrder.push(`${value} after ${before} at node ${node}`);
        last.set(node, Number(value));
        return {};
      };
      const all = { echoRPC: note, echoPlain: note, echoQC: note, echoUnicast: note, echoMulticast: note };
      router.service(Test, { ...echoHandlers(), ...all });
    },
  });
  return { cluster, last, outOfOrder, [Symbol.asyncDispose]: () => cluster.close() };
}

describe.each(transports)("calls without a pause, on %s", (transport) => {
  it(`[OR-06] arrive at every node in the order in which they were made, for ${stressMs} ms`, {
    timeout: stressMs + 20_000,
  }, async () => {
    await using servers = await countingCluster(3, transport);
    const client = await servers.cluster.connect();
    const test = createClient(Test, client);
    const nodes = client.nodes.map((node) => createClient(Test, node));
    const until = performance.now() + stressMs;
    let number = 0;
    while (performance.now() < until || number < 200) {
      // Some at once, none of them awaited before the next is made.
      const calls: Promise<unknown>[] = [];
      for (let at = 0; at < 40; at++) {
        const request = { value: String(number++) };
        if (at % 4 === 0) calls.push(test.echoQC(request).majority());
        else if (at % 4 === 1) calls.push(test.echoMulticast(request));
        else
          for (const node of nodes)
            calls.push(at % 4 === 2 ? node.echoRPC(request) : node.echoUnicast(request));
      }
      await Promise.all(calls);
    }
    await eventually(() => [1, 2, 3].every((node) => servers.last.get(node) === number - 1));
    expect(servers.outOfOrder).toEqual([]);
  });
});

describe("a multicast", () => {
  it("[OR-07] keeps the order at each node, and none across nodes: one that is busy holds up no other", async () => {
    const order: string[] = [];
    let free = () => {};
    const busy = new Promise<void>((resolve) => {
      free = resolve;
    });
    await using cluster = await createLocalCluster(2, {
      routes: (router, node) =>
        router.service(Test, {
          ...echoHandlers(),
          echoMulticast: async ({ value }) => {
            if (node === 1) await busy;
            order.push(`${value} at ${node}`);
          },
        }),
    });
    const test = createClient(Test, await cluster.connect());
    for (const value of ["1", "2", "3"]) await test.echoMulticast({ value });
    await eventually(() => order.length === 3);
    expect(order).toEqual(["1 at 2", "2 at 2", "3 at 2"]);
    free();
    await eventually(() => order.length === 6);
    expect(order.slice(3)).toEqual(["1 at 1", "2 at 1", "3 at 1"]);
    expect(serverAt(cluster, 1).snapshot().counters.handlerFailed).toBe(0);
  });
});
