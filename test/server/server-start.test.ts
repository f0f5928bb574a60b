import { Code, connect, createClient, createServer, type ServerOptions } from "quorate";
import { createLocalCluster, createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { serverAt, transports } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";

checkLeaks();

describe("the options of a server", () => {
  it("[SI-12] may be undefined, each of them, which is the same as to leave it out", async () => {
    const names = [
      "nodeId nodes maxDynamicClients maxRefusedStreams acceptedKeepaliveMs keepaliveTimeoutMs onPeersChange",
      "onClientsChange onConnect routes defaultTimeoutMs maxMessageBytes maxQueuedRequests maxQueuedBytes",
      "maxQueuedCalls maxQueuedCallBytes connectTimeoutMs keepaliveMs backoff maskErrors onEvent",
    ].flatMap((line) => line.split(" "));
    const absent = Object.fromEntries(names.map((name) => [name, undefined]));
    const transport = createMemoryTransport();
    const options = { ...absent, address: "127.0.0.1:0", transport, routes: serveTest };
    await using server = await createServer(options);
    await using client = await connect({ nodes: [server.address], transport });
    expect((await createClient(Test, client.node(1)).echoRPC({ value: "x" })).value).toBe("echo: x");
  });

  it.each([null, {}, "echo"])(
    "[DC-08] refuse the routes %j of a client, rather than not to be called back",
    async (routes) => {
      const options = { nodes: ["127.0.0.1:1"], routes, transport: createMemoryTransport() };
      const connecting = connect(options as unknown as Parameters<typeof connect>[0]);
      await expect(connecting).rejects.toMatchObject({
        code: Code.InvalidArgument,
        message: expect.stringMatching(/^quorate: routes must be a function/) as string,
      });
    },
  );
});

describe.each(transports)("a server, on %s", (transport) => {
  it("[SY-07] opens streams in its own name, if it is one of several nodes", async () => {
    const claims = new Set<string | undefined>();
    await using cluster = await createLocalCluster(2, {
      transport,
      routes: serveTest,
      onConnect: ({ metadata }) => claims.add(metadata.get("gorums-node-id")),
    });
    expect(claims).toEqual(new Set(["1", "2"]));
    expect(serverAt(cluster, 1).configuration.ids).toEqual([1, 2]);
    expect((await createClient(Test, serverAt(cluster, 1).configuration).echoQC({}).all()).value).toBe(
      "echo: ",
    );
  });

  it("[SY-07] dials nobody, if it is none, and has an empty configuration", async () => {
    const options = transport === "memory" ? { transport: createMemoryTransport() } : {};
    await using server = await createServer({ address: "127.0.0.1:0", routes: serveTest, ...options });
    expect(server.configuration.ids).toEqual([]);
  });

  it("[SY-03] lets go of its address when it is closed, though nobody ever called it, as do three local ones", async () => {
    const network = transport === "memory" ? { transport: createMemoryTransport() } : {};
    const one = await createServer({ address: "127.0.0.1:0", ...network });
    await one.close();
    await using again = await createServer({ address: one.address, ...network });
    expect(again.address).toBe(one.address);
    const cluster = await createLocalCluster(3, { transport });
    const addresses = Object.values(cluster.nodes);
    await cluster.close();
    const local = transport === "memory" ? { transport: cluster.network } : {};
    for (const address of addresses) await (await createServer({ address, ...local })).close();
    expect(addresses).toHaveLength(3);
  });

  it.each<[string, Partial<ServerOptions>, string]>([
    [
      "an address of another node is none",
      { nodes: ["127.0.0.1:1", "nowhere"], nodeId: 1 },
      'invalid address "nowhere"',
    ],
    [
      "two nodes have one address",
      { nodes: ["127.0.0.1:1", "127.0.0.1:1"], nodeId: 1 },
      "already in use by node 1",
    ],
    ["its id is not among the nodes", { nodes: ["127.0.0.1:1"], nodeId: 2 }, "nodeId 2 is not among"],
    ["its routes cannot be made", { routes: () => refuse("no table") }, "no table"],
    ["a callback is none", { onConnect: "x" as never }, "onConnect must be a function"],
  ])("[SY-08] lets go of its address when %s, and says why", async (_, options, message) => {
    const network = transport === "memory" ? { transport: createMemoryTransport() } : {};
    const holder = await createServer({ address: "127.0.0.1:0", ...network });
    const { address } = holder;
    await holder.close();
    await expect(createServer({ address, ...network, ...options })).rejects.toThrow(message);
    await using again = await createServer({ address, ...network });
    expect(again.address).toBe(address);
  });

  it("[SY-08] lets go of its address when its nodes listen at the one of another server", async () => {
    await using cluster = await createLocalCluster(1, { transport, routes: serveTest });
    const network = transport === "memory" ? { transport: cluster.network } : {};
    const taken = serverAt(cluster, 1).address;
    const nodes = { 1: taken, 2: "127.0.0.1:65000" };
    await expect(createServer({ nodes, nodeId: 1, ...network })).rejects.toMatchObject({
      reason: "LISTEN_FAILED",
    });
    // Whoever listens there goes on, and nobody else is dialled.
    await using client = await connect({ nodes: [taken], ...network });
    expect((await createClient(Test, client.node(1)).echoRPC({ value: "x" })).value).toBe("echo: x");
    await eventually(() => serverAt(cluster, 1).snapshot().streams.length === 1);
  });
});

function serveTest(router: Parameters<NonNullable<ServerOptions["routes"]>>[0]): void {
  router.service(Test, echoHandlers());
}

function refuse(message: string): never {
  throw new Error(message);
}
