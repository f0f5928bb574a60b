import { byLastError, byLatency, Code, connect, createClient, type Node } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { deadlineAfter, scheduleDeadline } from "../../internal/util/deadlines.js";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

function only(nodes: readonly Node[]): Node {
  const [node] = nodes;
  if (node === undefined || nodes.length > 1) throw new Error(`there are ${nodes.length} nodes`);
  return node;
}

describe.each(transports)("a Node, on %s", (transport) => {
  it("[SW-08] has no latency until it answers, then at least the time that its handler takes", async () => {
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoRPC: () => new Promise((resolve) => scheduleDeadline(deadlineAfter(20), () => resolve({}))),
        }),
    });
    const node = only((await connected(cluster.connect())).nodes);
    expect(node.latencyMs).toBeUndefined();
    for (let call = 0; call < 10; call++) await createClient(Test, node).echoRPC({});
    expect(node.latencyMs).toBeGreaterThanOrEqual(20);
  });

  it("[SW-09] is measured neither by one-way calls nor by errors", async () => {
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoQC: () => {
            throw new Error("no such key");
          },
        }),
    });
    const configuration = await connected(cluster.connect());
    const node = only(configuration.nodes);
    await createClient(Test, node).echoUnicast({});
    await createClient(Test, configuration).echoMulticast({});
    await rejectionOf(createClient(Test, configuration).echoQC({}).all());
    expect(node.latencyMs).toBeUndefined();
    // It was the handler that failed, and not the way to it.
    expect(node.lastError).toBeUndefined();
    await createClient(Test, node).echoRPC({});
    expect(node.latencyMs).toBeGreaterThanOrEqual(0);
  });

  it("[W-26] is measured also if it is the process itself", async () => {
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const { configuration } = serverAt(cluster, 2);
    await connected(Promise.resolve(configuration));
    const own = configuration.node(2);
    expect(own.latencyMs).toBeUndefined();
    await createClient(Test, own).echoRPC({});
    expect(own.latencyMs).toBeGreaterThan(0);
    // It is the only one that was measured.
    expect(configuration.sortBy(byLatency).ids).toEqual([2, 1, 3]);
    expect(serverAt(cluster, 2).peers.node(2)).toBe(own);
  });

  it("[W-26] is measured by the first of many replies only", async () => {
    let goOn = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          async *echoCorrectable() {
            yield {};
            await gate;
            yield {};
          },
        }),
    });
    const client = await connected(cluster.connect());
    const latencies: unknown[] = [];
    for await (const { node } of createClient(Test, client).echoCorrectable({})) {
      latencies.push(node.latencyMs);
      goOn();
    }
    expect(latencies).toHaveLength(2);
    expect(latencies[0]).toBeGreaterThan(0);
    expect(latencies[1]).toBe(latencies[0]);
  });

  it("[LC-15] is inbound on the side that accepted, and not on the side that dialled, nor to itself", async () => {
    await using cluster = await createLocalCluster(2, { transport });
    const server = serverAt(cluster, 1);
    const client = await cluster.connect({
      routes: (router) => router.service(Callback, callbackHandlers()),
    });
    expect(client.nodes.map(({ inbound }) => inbound)).toEqual([false, false]);
    await connected(Promise.resolve(client));
    await server.waitForClients(1);
    expect(client.nodes.map(({ inbound }) => inbound)).toEqual([false, false]);
    expect(server.clients.nodes.map(({ inbound }) => inbound)).toEqual([true]);
    expect(server.peers.nodes.map(({ inbound }) => inbound)).toEqual([false, true]);
    expect(server.configuration.nodes.map(({ inbound }) => inbound)).toEqual([false, false]);
  });

  it("[W-25] says why it cannot be reached, without any call, and is healthy once it can", async () => {
    await using cluster = await createLocalCluster(2, { transport });
    await serverAt(cluster, 2).close();
    const client = await cluster.connect({ backoff: { minMs: 10, maxMs: 20 } });
    await eventually(() => client.node(1).connected && client.node(2).lastError !== undefined);
    expect(client.node(2).lastError).toMatchObject({ code: Code.Unavailable, reason: "NOT_CONNECTED" });
    expect(client.sortBy((a, b) => b.id - a.id, byLastError).ids).toEqual([2, 1]);
    expect(client.sortBy(byLastError).ids).toEqual([1, 2]);
    // This is what a call leaves behind that fails; nobody calls the node any more.
    await rejectionOf(createClient(Test, client.node(2)).echoRPC({}));
    await cluster.restart(2);
    await eventually(() => client.node(2).connected);
    expect(client.node(2).lastError).toBeUndefined();
  });

  it("[W-25] keeps the error of a call that got no answer until the next answer", async () => {
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoQC: async (_, context) => {
            context.release();
            await answered;
            return {};
          },
        }),
    });
    const client = await connected(cluster.connect());
    const node = only(client.nodes);
    await rejectionOf(createClient(Test, client).echoQC({}, { timeoutMs: 30 }).all());
    answer();
    expect(node.lastError).toMatchObject({ code: Code.DeadlineExceeded });
    await createClient(Test, node).echoRPC({});
    expect(node.lastError).toBeUndefined();
  });
});

describe("a Node that was closed", () => {
  it("says so", async () => {
    await using cluster = await createLocalCluster(1);
    const client = await connect({ nodes: cluster.nodes, transport: cluster.network });
    await client.close();
    expect(client.node(1).lastError).toMatchObject({ code: Code.Unavailable, reason: "CLOSED" });
  });
});
