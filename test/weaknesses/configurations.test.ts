import { Code, type Configuration, connect, createClient, createServer } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";

checkLeaks();

/** Who answers a quorum call to all of them. */
function answering(target: Configuration): Promise<readonly number[]> {
  return createClient(Test, target)
    .echoQC({ value: "who" })
    .all((replies) => replies.map(({ server }) => server).sort((a, b) => a - b));
}

const refused = expect.objectContaining({ code: Code.InvalidArgument });

describe.each(transports)("the configurations of a server, on %s", (transport) => {
  it("[W-22] can be united, made smaller, and called", async () => {
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const server = serverAt(cluster, 1);
    for (const id of [11, 12]) {
      await cluster.connect({ routes: (router) => router.service(Test, echoHandlers(id)) });
      await server.waitForClients(id - 10);
    }
    await server.waitForPeers(3);
    const { peers, clients, configuration } = server;
    const both = peers.union(clients);
    expect(both.ids).toEqual([1, 2, 3, 1_048_576, 1_048_577]);
    expect(await answering(both)).toEqual([1, 2, 3, 11, 12]);
    expect(await answering(clients.union(peers).without(2))).toEqual([1, 3, 11, 12]);
    expect(await answering(both.difference(peers))).toEqual([11, 12]);
    expect(both.without(99).equals(both)).toBe(true);
    expect(both.difference(both).size).toBe(0);
    // Self is one node wherever it stands; a replica is two: one that was dialled, and one that dialled.
    expect(peers.union(configuration.without(2, 3)).equals(peers)).toBe(true);
    expect(() => peers.union(configuration)).toThrowError(refused);
    expect(() => configuration.without(1).union(peers)).toThrowError(refused);
  });
});

it("[W-22] nodes that were connected apart answer one call, each its own", async () => {
  const serve = (id: number) =>
    createServer({ address: "127.0.0.1:0", routes: (router) => router.service(Test, echoHandlers(id)) });
  await using first = await serve(1);
  await using second = await serve(2);
  await using third = await serve(3);
  await using one = await connected(connect({ nodes: { 1: first.address, 2: second.address } }));
  await using other = await connected(connect({ nodes: { 3: third.address, 2: second.address } }));
  const mixed = one.union(other.without(2));
  expect(mixed.nodes).toEqual([one.node(1), one.node(2), other.node(3)]);
  // Calls of both connections under way at once, so that a number that was given twice would cross them.
  const calls = Array.from({ length: 50 }, (_, at) => answering(at % 2 === 0 ? mixed : other));
  expect(await Promise.all(calls)).toEqual(calls.map((_, at) => (at % 2 === 0 ? [1, 2, 3] : [2, 3])));
  // One id, two connections: it must be said which of them is meant.
  expect(() => one.union(other)).toThrowError(refused);
});
