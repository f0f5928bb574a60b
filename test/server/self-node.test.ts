import { Code, createClient, type HandlerContext, type Server } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { isSettled, rejectionOf } from "../calls/held-cluster.js";
import { serverAt } from "../conformance/stages.js";
import type { EchoRequest } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";

checkLeaks();

type Handle = (request: EchoRequest, context: HandlerContext) => object | Promise<object>;

async function openServer(handle: Handle, nodes = 1) {
  const cluster = await createLocalCluster(nodes, {
    routes: (router) => router.service(Test, { ...echoHandlers(), echoRPC: handle, echoUnicast: handle }),
  });
  const server: Server = serverAt(cluster, 1);
  return { cluster, server, self: server.peers.node(1), [Symbol.asyncDispose]: () => cluster.close() };
}

describe("a server's node for itself", () => {
  it("[SE-01] needs no stream, and is one node in both configurations", async () => {
    await using one = await openServer(() => ({}), 2);
    expect(one.server.configuration.node(1)).toBe(one.self);
    expect(one.self).toMatchObject({ id: 1, address: one.server.address, connected: true, pendingCalls: 0 });
    expect(one.server.snapshot().streams.map(({ nodeId }) => nodeId)).toEqual([2]);
    // The other node is reached by two streams, which are two nodes.
    expect(one.server.configuration.node(2)).not.toBe(one.server.peers.node(2));
  });

  it("calls handlers with itself as the caller, on a copy of the request", async () => {
    const seen: HandlerContext[] = [];
    await using one = await openServer(({ data }, context) => {
      seen.push(context);
      data[0] = 9;
      return { data };
    });
    const data = Uint8Array.of(1, 2, 3);
    const reply = await createClient(Test, one.self).echoRPC({ data });
    expect(reply.data).toEqual(Uint8Array.of(9, 2, 3));
    expect(data).toEqual(Uint8Array.of(1, 2, 3));
    expect(seen[0]?.caller).toBe(one.self);
    expect(seen[0]?.connection.remoteAddress).toBe(one.server.address);
    expect(seen[0]?.connection.metadata.size).toBe(0);
  });

  it("[SE-05] confirms one-way calls before their handlers have run", async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let ran = false;
    await using one = await openServer(async () => {
      await gate;
      ran = true;
      return {};
    });
    await createClient(Test, one.self).echoUnicast({});
    expect(ran).toBe(false);
    open();
    await eventually(() => ran);
  });

  it("[SE-06] [W-11] runs its calls to itself one at a time, through whichever configuration, in order", async () => {
    const order: string[] = [];
    await using one = await openServer(async ({ value }) => {
      order.push(`start ${value}`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`end ${value}`);
      return {};
    }, 2);
    const { peers, configuration } = one.server;
    await Promise.all(
      [0, 1, 2, 3].map((at) =>
        createClient(Test, (at % 2 === 0 ? peers : configuration).node(1)).echoRPC({ value: String(at) }),
      ),
    );
    expect(order).toEqual([0, 1, 2, 3].flatMap((at) => [`start ${at}`, `end ${at}`]));
  });

  it("[W-11] a call to itself from a handler of itself waits, and ends with its deadline", async () => {
    await using one = await openServer(async ({ value }, context) => {
      if (value === "inner") return { value };
      const { caller } = context;
      if (caller === undefined) throw new Error("no caller");
      const inner = createClient(Test, caller).echoRPC({ value: "inner" }, { timeoutMs: 40 });
      return { value: `outer ${(await rejectionOf(inner)).code}` };
    });
    const reply = await createClient(Test, one.self).echoRPC({ value: "outer" });
    expect(reply.value).toBe(`outer ${Code.DeadlineExceeded}`);
  });

  it("such a call works once the handler has released", async () => {
    await using one = await openServer(async ({ value }, { caller, release }) => {
      if (value === "inner" || caller === undefined) return { value };
      release();
      return createClient(Test, caller).echoRPC({ value: "inner" });
    });
    expect((await createClient(Test, one.self).echoRPC({ value: "outer" })).value).toBe("inner");
  });

  it("[HB-02] does not let a busy handler of its own delay the others", async () => {
    let finish = () => {};
    await using cluster = await createLocalCluster(3, {
      routes: (router, node) =>
        router.service(Test, {
          ...echoHandlers(node),
          echoQC: ({ value }, { caller }) =>
            caller?.id === node
              ? new Promise((resolve) => {
                  finish = () => resolve({ value: "self" });
                })
              : { value: `${value} ${node}` },
        }),
    });
    const responses = createClient(Test, serverAt(cluster, 1).peers).echoQC({ value: "x" });
    const all = responses.all((replies) => replies.map(({ value }) => value));
    // The first reply comes from another node.
    expect((await responses.first()).value).toMatch(/^x [23]$/);
    expect(await isSettled(all)).toBe(false);
    finish();
    expect((await all).at(-1)).toBe("self");
  });

  it("fails its calls when the server is closed", async () => {
    await using one = await openServer(() => ({}));
    await one.server.close();
    expect(await rejectionOf(createClient(Test, one.self).echoRPC({}))).toMatchObject({
      code: Code.Unavailable,
      reason: "CLOSED",
    });
    expect(one.self.connected).toBe(false);
  });
});
