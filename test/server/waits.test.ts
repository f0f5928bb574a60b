import { Code, createClient, createServer, QuorateError } from "quorate";
import { createLocalCluster, createMemoryTransport } from "quorate/testing";
import { describe, expect, it, vi } from "vitest";
import { isSettled, rejectionOf } from "../calls/held-cluster.js";
import { serverAt } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { features, RawPeer } from "./raw-peer.js";

checkLeaks();

async function openServer(options: Partial<Parameters<typeof createServer>[0]> = {}) {
  const network = createMemoryTransport();
  const server = await createServer({ address: "127.0.0.1:0", transport: network, ...options });
  const join = () => RawPeer.dial(server.address, { "gorums-node-id": "0", ...features }, network);
  return { server, join, [Symbol.asyncDispose]: () => server.close({ graceMs: 0 }) };
}

describe("waitForPeers and waitForClients", () => {
  it("[WF-01] resolve at once if the condition holds", async () => {
    await using cluster = await createLocalCluster(2);
    const server = serverAt(cluster, 1);
    await server.waitForPeers(2, { timeoutMs: 0 });
    await server.waitForPeers(1, { timeoutMs: 0 });
    await server.waitForPeers((peers) => peers.has(2), { timeoutMs: 0 });
    await server.waitForClients(0, { timeoutMs: 0 });
    await server.waitForPeers(2, { signal: AbortSignal.abort() });
    expect(server.peers.ids).toEqual([1, 2]);
  });

  it("[WF-02] resolve when three servers that are started one after the other have found each other", async () => {
    const network = createMemoryTransport();
    const nodes = { 1: "127.0.0.1:1", 2: "127.0.0.1:2", 3: "127.0.0.1:3" };
    const backoff = { minMs: 5, maxMs: 5 };
    const start = (nodeId: number) => createServer({ nodeId, nodes, transport: network, backoff });
    await using first = await start(1);
    const all = first.waitForPeers(3);
    await using second = await start(2);
    await first.waitForPeers(2);
    expect(await isSettled(all)).toBe(false);
    await using third = await start(3);
    await Promise.all([all, second.waitForPeers(3), third.waitForPeers(3)]);
    for (const { peers } of [first, second, third]) expect(peers.ids).toEqual([1, 2, 3]);
  });

  it("[WF-05] [WF-06] resolve when it comes to hold, all of them", async () => {
    await using one = await openServer();
    const waits = [
      ...Array.from({ length: 4 }, () => one.server.waitForClients(2)),
      one.server.waitForClients(({ ids }) => ids.length === 2),
    ];
    const more = one.server.waitForClients(3);
    await one.join();
    await one.server.waitForClients(1);
    expect(await Promise.all(waits.map(isSettled))).toEqual(Array(5).fill(false));
    await one.join();
    await Promise.all(waits);
    expect(await isSettled(more)).toBe(false);
    await one.join();
    await more;
  });

  it("[WF-03] reject with DeadlineExceeded that says what there was instead", async () => {
    await using one = await openServer({ defaultTimeoutMs: 20 });
    const byOption = await rejectionOf(one.server.waitForClients(3, { timeoutMs: 30 }));
    expect(byOption).toMatchObject({
      code: Code.DeadlineExceeded,
      message: "quorate: waited 30 ms for 3 nodes in clients, which is {}",
    });
    const byDefault = await rejectionOf(one.server.waitForPeers(() => false));
    expect(byDefault).toMatchObject({
      code: Code.DeadlineExceeded,
      message: "quorate: waited 20 ms for the condition in peers, which is {}",
    });
  });

  it.each([
    ["a plain reason", new Error("enough"), Code.Canceled],
    [
      "an error of gRPC, which is no code of ours",
      Object.assign(new Error("5 NOT_FOUND: x"), { code: 5, details: "x" }),
      Code.Canceled,
    ],
    ["a QuorateError", new QuorateError(Code.Aborted, "lost"), Code.Aborted],
    ["a time-out", new DOMException("late", "TimeoutError"), Code.DeadlineExceeded],
  ])("end with their signal as a call does: %s", async (_, reason, code) => {
    await using one = await openServer();
    expect(
      (await rejectionOf(one.server.waitForClients(1, { signal: AbortSignal.abort(reason) }))).code,
    ).toBe(code);
    const controller = new AbortController();
    const wait = rejectionOf(one.server.waitForClients(1, { signal: controller.signal }));
    controller.abort(reason);
    expect((await wait).code).toBe(code);
  });

  it("reject with what the predicate throws, at once or later, and leave the others alone", async () => {
    await using one = await openServer();
    const broken = () => {
      throw new RangeError("broken");
    };
    const error = await rejectionOf(one.server.waitForClients(broken));
    expect(error).toMatchObject({ code: Code.Unknown, message: "broken", cause: new RangeError("broken") });
    const later = one.server.waitForClients(({ size }) => size > 0 && broken());
    const other = one.server.waitForClients(1);
    const failed = rejectionOf(later);
    await one.join();
    expect((await failed).cause).toEqual(new RangeError("broken"));
    await other;
  });

  it("do not ask a predicate again whose wait is over", async () => {
    await using one = await openServer();
    const predicate = vi.fn<() => boolean>(() => true);
    await one.server.waitForClients(predicate);
    await one.join();
    await one.server.waitForClients(1);
    expect(predicate).toHaveBeenCalledTimes(1);
  });

  it("do not ask a predicate whose wait another one has ended", async () => {
    await using one = await openServer();
    const controller = new AbortController();
    const first = one.server.waitForClients(({ size }) => {
      if (size > 0) controller.abort();
      return size > 0;
    });
    const asked: number[] = [];
    const second = rejectionOf(
      one.server.waitForClients(({ size }) => asked.push(size) > 5, { signal: controller.signal }),
    );
    await one.join();
    await first;
    expect((await second).code).toBe(Code.Canceled);
    expect(asked).toEqual([0]);
  });

  it.each([{ timeoutMs: -1 }, { timeoutMs: Number.NaN }])(
    "reject %j with InvalidArgument",
    async (options) => {
      await using one = await openServer();
      expect(await rejectionOf(one.server.waitForPeers(1, options))).toMatchObject({
        code: Code.InvalidArgument,
        message: expect.stringContaining("timeoutMs") as string,
      });
      expect((await rejectionOf(one.server.waitForClients(1, options))).code).toBe(Code.InvalidArgument);
    },
  );

  it.each([-1, 1.5, Number.NaN, "3"])("reject a wait for %s nodes, which would never end", async (size) => {
    await using one = await openServer();
    expect((await rejectionOf(one.server.waitForPeers(size as number))).code).toBe(Code.InvalidArgument);
  });

  it("[WF-04] reject with SERVER_CLOSED when the server closes, also while a handler still runs", async () => {
    let running = false;
    let finish = () => {};
    await using cluster = await createLocalCluster(1, {
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoRPC: () =>
            new Promise((resolve) => {
              running = true;
              finish = () => resolve({});
            }),
        }),
    });
    const server = serverAt(cluster, 1);
    const client = await cluster.connect();
    const call = createClient(Test, client.node(1)).echoRPC({});
    await eventually(() => running);
    const waits = [server.waitForPeers(2), server.waitForClients(1)].map(rejectionOf);
    const closed = server.close();
    for (const error of await Promise.all(waits)) {
      expect(error).toMatchObject({ code: Code.Unavailable, reason: "SERVER_CLOSED" });
    }
    finish();
    await call;
    await closed;
    // Those that come afterwards as well, unless their condition holds.
    expect((await rejectionOf(server.waitForClients(1))).reason).toBe("SERVER_CLOSED");
  });

  it("[WF-07] look at the condition first, also on a closed server", async () => {
    const network = createMemoryTransport();
    const nodes = { 1: "127.0.0.1:1" };
    const server = await createServer({ nodeId: 1, nodes, transport: network });
    await server.close();
    await server.waitForPeers(1);
    await server.waitForClients(({ size }) => size === 0);
    expect((await rejectionOf(server.waitForPeers(2))).reason).toBe("SERVER_CLOSED");
  });

  it("can be used by a handler", async () => {
    await using cluster = await createLocalCluster(1, {
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoRPC: async (_, context) => {
            await serverAt(cluster, 1).waitForClients(1, { timeoutMs: context.remainingMs() });
            return { value: String(context.clients.size) };
          },
        }),
    });
    const client = await cluster.connect();
    const call = createClient(Test, client.node(1)).echoRPC({});
    await cluster.connect({ routes: (router) => router.service(Callback, callbackHandlers()) });
    expect((await call).value).toBe("1");
  });
});
