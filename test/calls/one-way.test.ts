import { Code, connect, createClient, type QuorateError, QuorumCallError } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { holdingCluster, isSettled, rejectionOf } from "./held-cluster.js";
import { slowDial } from "./slow-dial.js";

checkLeaks();

describe.each(transports)("a multicast, on %s", (transport) => {
  it.each([1, 2, 3])("[MC-03] [MC-04] [ER-09] lists the %s of 3 nodes that are stopped", async (stopped) => {
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const client = await connected(cluster.connect());
    for (let id = 1; id <= stopped; id++) {
      await serverAt(cluster, id).close();
      const rpc = () => rejectionOf(createClient(Test, client.node(id)).echoRPC({}));
      await eventually(() => rpc().then(({ reason }) => reason === "NOT_CONNECTED"));
    }
    const test = createClient(Test, client);
    const error = await rejectionOf(test.echoMulticast({}));
    expect(error).toBeInstanceOf(QuorumCallError);
    expect(error).toMatchObject({ code: Code.Unavailable, reason: "SEND_FAILURE" });
    const { nodeErrors, unanswered } = error as QuorumCallError;
    expect([...nodeErrors.keys()]).toEqual([1, 2, 3].slice(0, stopped));
    expect(unanswered).toEqual([]);
    expect(error.message).toContain(
      `send failure: test.v1.Test.EchoMulticast was not sent to ${stopped} of 3 nodes (errors: ${stopped})`,
    );
    expect(nodeErrors.get(1)?.message).toContain("connection error");
    await expect(test.echoMulticast({}, { ignoreErrors: true })).resolves.toBeUndefined();
    // A unicast has one error to tell, and tells that.
    const unicast = await rejectionOf(createClient(Test, client.node(1)).echoUnicast({}));
    expect(unicast).not.toBeInstanceOf(QuorumCallError);
    expect(unicast).toMatchObject({ code: Code.Unavailable, reason: "NOT_CONNECTED" });
    await eventually(() => client.nodes.every((node) => node.pendingCalls === 0));
  });
});

describe("a one-way call", () => {
  it("[MC-07] is sent when it is made, not when it is awaited", async () => {
    await using servers = await holdingCluster(3);
    const sent = createClient(Test, servers.client).echoMulticast({ value: "now" });
    for (const node of [1, 2, 3]) expect((await servers.next(node)).request.value).toBe("now");
    await sent;
  });

  it("is settled when every node is, and names those that failed", async () => {
    await using servers = await holdingCluster(3);
    const network = slowDial(servers.cluster, 2);
    servers.cluster.network.setDown(servers.cluster.nodes[3] ?? "", true);
    await using client = await connect({ nodes: servers.cluster.nodes, transport: network.transport });
    const sent = createClient(Test, client).echoMulticast({ value: "x" });
    const failed = rejectionOf(sent);
    await servers.next(1);
    expect(await isSettled(sent)).toBe(false);
    network.open();
    expect([...((await failed) as QuorumCallError).nodeErrors.keys()]).toEqual([3]);
    await servers.next(2);
  });

  it("is not sent to a node that takes it too late, and says so", async () => {
    await using servers = await holdingCluster(2);
    const network = slowDial(servers.cluster, 2);
    await using client = await connect({ nodes: servers.cluster.nodes, transport: network.transport });
    const error = await rejectionOf(
      createClient(Test, client).echoMulticast({ value: "x" }, { timeoutMs: 40 }),
    );
    expect(error.code).toBe(Code.DeadlineExceeded);
    await servers.next(1);
    network.open();
    const rpc = createClient(Test, client.node(2)).echoRPC({ value: "later" });
    const received = await servers.next(2);
    expect(received.request.value).toBe("later");
    received.reply("");
    await rpc;
  });

  it.each([{ ignoreErrors: true }, { ignoreErrors: false }])(
    "[W-04] whose signal ends before it is sent: %j",
    async ({ ignoreErrors }) => {
      await using servers = await holdingCluster(1);
      const network = slowDial(servers.cluster, 1);
      await using client = await connect({ nodes: servers.cluster.nodes, transport: network.transport });
      const controller = new AbortController();
      const call = createClient(Test, client.node(1)).echoUnicast(
        { value: "one-way" },
        { ignoreErrors, signal: controller.signal },
      );
      const outcome = call.then(
        () => "sent",
        ({ code }: QuorateError) => code,
      );
      await Promise.resolve();
      controller.abort();
      network.open();
      const rpc = createClient(Test, client.node(1)).echoRPC({ value: "rpc" });
      const first = await servers.next(1);
      // Who does not wait for the outcome has no further say in it.
      expect(first.request.value).toBe(ignoreErrors ? "one-way" : "rpc");
      expect(await outcome).toBe(ignoreErrors ? "sent" : Code.Canceled);
      if (ignoreErrors) await servers.answer(1);
      else first.reply("");
      await rpc;
    },
  );
});

it("fails calls above the bound of the send queue, and no others", async () => {
  await using servers = await holdingCluster(1);
  const network = slowDial(servers.cluster, 1);
  const limits: string[] = [];
  await using client = await connect({
    nodes: servers.cluster.nodes,
    transport: network.transport,
    maxQueuedCalls: 5,
    onEvent: (event) => {
      if (event.kind === "limitReached") limits.push(event.limit);
    },
  });
  const test = createClient(Test, client.node(1));
  const calls = Array.from({ length: 8 }, (_, at) => test.echoUnicast({ value: String(at) }));
  const failed = await Promise.all(calls.slice(5).map(rejectionOf));
  for (const error of failed) {
    expect(error).toMatchObject({ code: Code.ResourceExhausted, reason: "SEND_QUEUE_FULL" });
  }
  expect(limits).toEqual(["sendQueue", "sendQueue", "sendQueue"]);
  network.open();
  await Promise.all(calls.slice(0, 5));
  await eventually(() => servers.held(1).length === 5);
  expect(servers.held(1).map(({ request }) => request.value)).toEqual(["0", "1", "2", "3", "4"]);
});
