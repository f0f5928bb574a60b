import { Code, createClient, type QuorateEvent, type Server } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

describe.each(transports)("createLocalCluster, on %s", (transport) => {
  const open = (size: number) =>
    createLocalCluster(size, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });

  it.each([1, 2, 5])("[SY-04] starts %s servers that see each other", async (size) => {
    await using cluster = await open(size);
    const ids = Array.from({ length: size }, (_, at) => at + 1);
    expect(cluster.servers.map(({ peers }) => peers.ids)).toEqual(ids.map(() => ids));
    expect(cluster.servers.map(({ configuration }) => configuration.ids)).toEqual(ids.map(() => ids));
    expect(Object.entries(cluster.nodes)).toEqual(
      cluster.servers.map(({ address }, at) => [String(at + 1), address]),
    );
    for (const address of Object.values(cluster.nodes)) expect(address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  });

  it("[SY-05] its servers reach all, themselves included, on the streams of either side", async () => {
    await using cluster = await open(3);
    for (const server of cluster.servers) {
      for (const configuration of [server.peers, server.configuration]) {
        const responses = createClient(Test, configuration).echoQC({});
        const servers = await responses.all((replies) => replies.map((reply) => reply.server));
        expect(servers.sort((a, b) => a - b)).toEqual([1, 2, 3]);
      }
    }
  });

  it("closes the clients that it connected, and then the servers", async () => {
    const cluster = await open(2);
    const order: string[] = [];
    const client = await connected(
      cluster.connect({
        routes: (router) => router.service(Callback, callbackHandlers()),
        onEvent: ({ kind }) => order.push(kind),
      }),
    );
    await cluster.close();
    // In order, not by a lost stream: that would be an attempt to connect again.
    expect(order).toEqual(["streamOpened", "streamOpened", "streamEnded", "streamEnded"]);
    const error = await rejectionOf(createClient(Test, client.node(1)).echoRPC({}));
    expect(error).toMatchObject({ code: Code.Unavailable, reason: "CLOSED" });
    expect(cluster.servers.map((server) => server.snapshot().streams)).toEqual([[], []]);
    await cluster.close();
    await cluster[Symbol.asyncDispose]();
  });

  it("starts a server again on its address, with what it served", async () => {
    await using cluster = await open(3);
    const client = await connected(cluster.connect({ backoff: { minMs: 5, maxMs: 50 } }));
    const before = serverAt(cluster, 2);
    await before.close();
    const after: Server = await cluster.restart(2);
    expect(after).not.toBe(before);
    expect(serverAt(cluster, 2)).toBe(after);
    expect(after.address).toBe(before.address);
    await after.waitForPeers(3);
    const reply = await createClient(Test, client.node(2)).echoRPC({ value: "x" }, { waitForReady: true });
    expect(reply).toMatchObject({ value: "echo: x", server: 2 });
    await Promise.all(cluster.servers.map((server) => server.waitForPeers(3)));
  });

  it("refuses to start a server that there is none of, or that still runs", async () => {
    await using cluster = await open(2);
    for (const id of [0, 3, 1.5]) {
      expect((await rejectionOf(cluster.restart(id))).code).toBe(Code.InvalidArgument);
    }
    expect(await rejectionOf(cluster.restart(1))).toMatchObject({
      code: Code.Unavailable,
      reason: "LISTEN_FAILED",
    });
    expect(serverAt(cluster, 1).peers.size).toBe(2);
  });

  it("leaves nothing open if one server cannot be started", async () => {
    const starting = createLocalCluster(3, {
      transport,
      routes: (_, node) => {
        if (node === 2) throw new RangeError("not this one");
      },
    });
    await expect(starting).rejects.toThrow(new RangeError("not this one"));
    // The leak check looks for what the other two would have left.
  });

  it.each([0, -1, 1.5, Number.NaN, "3"])("refuses the size %s", async (size) => {
    expect(await rejectionOf(createLocalCluster(size as number, { transport }))).toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringContaining(`not ${size}`) as string,
    });
  });

  it("refuses bad options of its servers", async () => {
    const error = await rejectionOf(createLocalCluster(2, { transport, maxQueuedRequests: 0 }));
    expect(error).toMatchObject({ code: Code.InvalidArgument });
    expect(error.message).toMatch(/^quorate: maxQueuedRequests/);
  });
});

describe("the network of a cluster in memory", () => {
  it("breaks the streams of one server, which come back", async () => {
    const events: QuorateEvent[] = [];
    await using cluster = await createLocalCluster(3, {
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const client = await connected(
      cluster.connect({ onEvent: (event) => events.push(event), backoff: { minMs: 5 } }),
    );
    events.length = 0;
    cluster.network.breakStreams(serverAt(cluster, 2).address);
    await eventually(() => events.some(({ kind }) => kind === "streamOpened"));
    expect(events.map((event) => ("nodeId" in event ? `${event.kind} ${event.nodeId}` : event.kind))).toEqual(
      ["streamEnded 2", "streamOpened 2"],
    );
    expect((await createClient(Test, client.node(2)).echoRPC({})).server).toBe(2);
    await Promise.all(cluster.servers.map((server) => server.waitForPeers(3)));
  });

  it("takes a server down, and up again", async () => {
    await using cluster = await createLocalCluster(3, {
      backoff: { minMs: 5, maxMs: 20 },
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const client = await connected(cluster.connect({ backoff: { minMs: 5, maxMs: 20 } }));
    const { address } = serverAt(cluster, 3);
    cluster.network.setDown(address, true);
    // It cannot be dialled; what it dialled itself stays.
    await serverAt(cluster, 3).waitForPeers(({ ids }) => ids.join() === "3");
    expect(serverAt(cluster, 1).peers.ids).toEqual([1, 2, 3]);
    await eventually(() =>
      rejectionOf(createClient(Test, client.node(3)).echoRPC({})).then(
        ({ reason }) => reason === "NOT_CONNECTED",
      ),
    );
    cluster.network.setDown(address, false);
    await serverAt(cluster, 3).waitForPeers(3);
    expect((await createClient(Test, client.node(3)).echoRPC({}, { waitForReady: true })).server).toBe(3);
  });

  it("is not there on loopback", async () => {
    await using cluster = await createLocalCluster(1, { transport: "loopback" });
    expect(() => cluster.network).toThrow(expect.objectContaining({ code: Code.FailedPrecondition }));
  });
});
