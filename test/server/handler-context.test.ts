import { Code, createClient, type HandlerContext, type Router } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

/** A cluster whose echoRPC does what the test says. */
async function openCluster(size: number, transport: "memory" | "loopback") {
  let handle: (value: string, context: HandlerContext) => unknown = () => ({});
  const cluster = await createLocalCluster(size, {
    transport,
    routes: (router, node) =>
      router.service(Test, {
        ...echoHandlers(node),
        echoRPC: async ({ value }, context) => ({ value: String(await handle(value, context)) }),
      }),
  });
  const ask = async (node: number, next: typeof handle, how: "callable" | "plain" = "plain") => {
    handle = next;
    const client = await cluster.connect(how === "plain" ? {} : callable);
    // Only a first reply shows that the server takes deadlines.
    await createClient(Test, client.node(node)).echoPlain({});
    return (await createClient(Test, client.node(node)).echoRPC({ value: "x" })).value;
  };
  return { cluster, ask, [Symbol.asyncDispose]: () => cluster.close() };
}

const callable = { routes: (router: Router) => router.service(Callback, callbackHandlers()) };

describe.each(transports)("a handler, on %s", (transport) => {
  it("[HC-01] [HC-02] [HC-05] sees the peers and the clients of its server as they are now", async () => {
    await using one = await openCluster(3, transport);
    await one.cluster.connect(callable);
    await serverAt(one.cluster, 2).waitForClients(1);
    const see = (_: string, { peers, clients }: HandlerContext) => `${peers} ${clients}`;
    expect(await one.ask(2, see)).toBe("{1, 2, 3} {1048576}");
    await serverAt(one.cluster, 3).close();
    await serverAt(one.cluster, 2).waitForPeers(({ size }) => size === 2);
    expect(await one.ask(2, see)).toBe("{1, 2} {1048576}");
  });

  it("[HC-03] sees an empty configuration, not nothing, where there is nobody", async () => {
    await using one = await openCluster(1, transport);
    const value = await one.ask(1, async (_, { clients }) => {
      const { code } = await rejectionOf(createClient(Callback, clients).askAll({}).first());
      await createClient(Callback, clients).notify({});
      return `${clients} ${code}`;
    });
    expect(value).toBe(`{} ${Code.FailedPrecondition}`);
  });

  it("calls back its caller; a caller that cannot be called is none", async () => {
    await using one = await openCluster(1, transport);
    const callBack = async (value: string, { caller }: HandlerContext) =>
      caller === undefined
        ? "no caller"
        : (await createClient(Callback, caller).ask({ value: `${value} of ${caller.id}` })).value;
    expect(await one.ask(1, callBack, "callable")).toBe("asked: x of 1048576");
    expect(await one.ask(1, callBack)).toBe("no caller");
  });

  it("[SI-13] sees where its caller is", async () => {
    await using one = await openCluster(1, transport);
    const see = (_: string, { connection }: HandlerContext) =>
      `${typeof connection.id} ${connection.remoteAddress}`;
    expect(await one.ask(1, see)).toMatch(
      transport === "memory" ? /^number memory:\d+$/ : /^number 127\.0\.0\.1:\d+$/,
    );
  });

  it("[SV-03] makes a quorum call to its clients within a call", async () => {
    await using one = await openCluster(1, transport);
    const client = await connected(one.cluster.connect(callable));
    await serverAt(one.cluster, 1).waitForClients(1);
    const value = await one.ask(1, async (outer, { clients }) => {
      const { value: inner } = await createClient(Callback, clients).askAll({ value: outer }).first();
      return `outer-call | ${inner}`;
    });
    expect(value).toBe("outer-call | asked: x");
    expect(client.node(1).connected).toBe(true);
  });

  it("[SE-02] multicasts to all peers, itself included, on every server at once", async () => {
    const received: string[] = [];
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router, node) =>
        router.service(Test, {
          ...echoHandlers(node),
          echoUnicast: async (_, { peers }) => {
            await createClient(Test, peers).echoMulticast({ value: `from ${node}` });
          },
          echoMulticast: ({ value }) => received.push(`${value} at ${node}`),
        }),
    });
    const client = await cluster.connect();
    await Promise.all(client.nodes.map((node) => createClient(Test, node).echoUnicast({})));
    await eventually(() => received.length === 9);
    expect(new Set(received).size).toBe(9);
  });

  it("of a client sees the server that calls, the servers that it connected to, and no clients", async () => {
    await using cluster = await createLocalCluster(2, { transport });
    const client = await cluster.connect({
      metadata: { role: "watcher" },
      routes: (router) =>
        router.service(Callback, {
          ...callbackHandlers(),
          ask: (_, { caller, peers, clients, connection, metadata }) => ({
            value: [
              caller === client.node(2),
              peers === client,
              clients.size,
              connection.remoteAddress === cluster.nodes[2],
              metadata.get("role"),
            ].join(),
          }),
        }),
    });
    const server = serverAt(cluster, 2);
    await server.waitForClients(1);
    const [node] = server.clients.nodes;
    if (node === undefined) throw new Error("there is no client");
    expect((await createClient(Callback, node).ask({})).value).toBe("true,true,0,true,watcher");
  });

  it("hands its time and its signal on to the calls that it makes", async () => {
    await using one = await openCluster(2, transport);
    const seen: number[] = [];
    const value = await one.ask(1, async (outer, context) => {
      if (outer === "inner") {
        seen.push(context.remainingMs());
        return "inner";
      }
      const { signal, remainingMs, peers } = context;
      seen.push(remainingMs());
      const options = { timeoutMs: remainingMs(), signal };
      return (await createClient(Test, peers.node(2)).echoRPC({ value: "inner" }, options)).value;
    });
    expect(value).toBe("inner");
    const [outerMs = 0, innerMs = 0] = seen;
    expect(outerMs).toBeGreaterThan(20_000);
    expect(outerMs).toBeLessThanOrEqual(30_000);
    // Whole milliseconds go over the wire, rounded up.
    expect(innerMs).toBeLessThanOrEqual(outerMs + 1);
    expect(innerMs).toBeGreaterThan(10_000);
  });
});
