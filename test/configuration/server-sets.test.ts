import { byId, connect, createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { connected, serverAt } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

describe("sets of nodes that were connected in different ways", () => {
  it("[W-22] unites the clients of a server with its peers, and calls them all", async () => {
    await using cluster = await createLocalCluster(3, {
      routes: (router) => router.service(Callback, callbackHandlers()),
    });
    const server = serverAt(cluster, 1);
    await cluster.connect({ routes: (router) => router.service(Callback, callbackHandlers()) });
    await server.waitForClients(1);
    const [client] = server.clients.nodes;
    if (client === undefined) throw new Error("there is no client");
    const all = server.clients.union(server.peers);
    expect(all.ids).toEqual([1, 2, 3, client.id]);
    expect(server.peers.add(client).equals(all)).toBe(true);
    const replies = await createClient(Callback, all).askAll({ value: "x" }).collect();
    expect([...replies.values()].map((response) => response.ok && response.value.value)).toEqual(
      Array.from({ length: 4 }, () => "asked: x"),
    );
    expect([...replies.keys()].sort((a, b) => a - b)).toEqual(all.ids);
    // Node 2 as it connected to us is another way than node 2 as we dialled it.
    expect(() => server.peers.union(server.configuration)).toThrow(/id 2 stands for different nodes/);
    expect(all.difference(server.peers).sortBy(byId).nodes).toEqual([client]);
  });

  it("[W-22] unites what two connections dialled, and tells the replies of both apart", async () => {
    await using cluster = await createLocalCluster(2, {
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const { nodes, network: transport } = cluster;
    await using one = await connect({ nodes: { 1: nodes[1] ?? "" }, transport });
    await using other = await connect({ nodes: { 2: nodes[2] ?? "" }, transport });
    const both = (await connected(Promise.resolve(one))).union(await connected(Promise.resolve(other)));
    const values = Array.from({ length: 50 }, (_, at) => String(at));
    const calls = values.map((value) => createClient(Test, both).echoQC({ value }).collect());
    for (const [at, replies] of (await Promise.all(calls)).entries()) {
      const answers = both.ids.map((id) => replies.get(id));
      expect(answers).toMatchObject([
        { ok: true, node: { id: 1 }, value: { server: 1, value: `echo: ${at}` } },
        { ok: true, node: { id: 2 }, value: { server: 2, value: `echo: ${at}` } },
      ]);
    }
  });
});
