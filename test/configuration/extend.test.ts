import { Code, connect, createClient, type NodeList, type OwnedConfiguration } from "quorate";
import { createLocalCluster, createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected, transports } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { turn } from "../helpers/turn.js";
import { invalid } from "./test-nodes.js";

checkLeaks();

const [a, b, c, d] = ["127.0.0.1:9081", "127.0.0.1:9082", "127.0.0.1:9083", "127.0.0.1:9084"];

interface Alone extends AsyncDisposable {
  readonly base: OwnedConfiguration;
  /** Whom it has dialled. */
  readonly dialled: () => Promise<string[]>;
}

/** A connection in a network in which nobody listens. */
async function lonely(nodes: NodeList): Promise<Alone> {
  const network = createMemoryTransport();
  const addresses: string[] = [];
  const dialled = async () => {
    await turn();
    return addresses;
  };
  const base = await connect({
    nodes,
    backoff: { minMs: 60_000, maxMs: 60_000 },
    transport: {
      listen: (...listening) => network.listen(...listening),
      dial: (address, ...rest) => {
        addresses.push(address);
        return network.dial(address, ...rest);
      },
    },
  });
  return { base, dialled, [Symbol.asyncDispose]: () => base.close() };
}

describe.each(transports)("OwnedConfiguration.extend, on %s", (transport) => {
  it("[CF-08] connects to more servers, leaves the configuration as it is, and closes with it", async () => {
    await using cluster = await createLocalCluster(4, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const address = (id: number) => cluster.nodes[id] ?? "";
    const network = transport === "memory" ? { transport: cluster.network } : {};
    await using base = await connect({ nodes: { 1: address(1), 2: address(2) }, ...network });
    const extended = await connected(base.extend({ 10: address(3), 11: address(4) }));
    expect(extended.ids).toEqual([1, 2, 10, 11]);
    expect(base.ids).toEqual([1, 2]);
    expect(extended.node(1)).toBe(base.node(1));
    const servers: Record<number, number> = {};
    for await (const response of createClient(Test, extended).echoQC({})) {
      if (response.ok) servers[response.node.id] = response.value.server;
    }
    expect(servers).toEqual({ 1: 1, 2: 2, 10: 3, 11: 4 });
    expect("close" in extended).toBe(false);
    await base.close();
    expect(extended.nodes.map((node) => node.connected)).toEqual([false, false, false, false]);
    expect(extended.node(11).lastError).toMatchObject({ code: Code.Unavailable, reason: "CLOSED" });
    await eventually(() => cluster.servers.every((server) => server.snapshot().streams.length === 3));
  });
});

describe("OwnedConfiguration.extend", () => {
  it("[CF-07] makes a configuration of the same nodes of nothing", async () => {
    await using alone = await lonely([a, b]);
    const { base, dialled } = alone;
    const same = await base.extend();
    expect(same.equals(base)).toBe(true);
    expect(same.nodes).not.toBe(base.nodes);
    expect(await dialled()).toEqual([a, b]);
  });

  it("[NL-11] numbers a list from the largest id on that was ever used", async () => {
    await using alone = await lonely([a, b]);
    const { base } = alone;
    expect((await base.extend([c])).ids).toEqual([1, 2, 3]);
    // Of this one, 3 is no part, but the connection has it.
    expect((await base.extend([d])).ids).toEqual([1, 2, 4]);
    expect((await base.extend({ 20: "127.0.0.1:9090" })).ids).toEqual([1, 2, 20]);
    const more = await base.extend(["127.0.0.1:9092", "127.0.0.1:9091"]);
    expect(more.nodes.map(String)).toEqual([
      `node 1 | addr: ${a}`,
      `node 2 | addr: ${b}`,
      "node 21 | addr: 127.0.0.1:9092",
      "node 22 | addr: 127.0.0.1:9091",
    ]);
  });

  it.each<[string, NodeList, string]>([
    ["[NL-12] an id that is in use", { 2: c }, `quorate: node 2 already in use by "${b}"`],
    ["[NL-13] an address that is in use", { 5: a }, `quorate: address "${a}" already in use by node 1`],
    [
      "[NL-13] an address of a list that is in use",
      [c, a],
      `quorate: address "${a}" already in use by node 1`,
    ],
    [
      "[NL-13] another spelling of an address that is in use",
      { 5: "localhost:9081" },
      `quorate: address "${a}" already in use by node 1 (node 1 is "${a}", node 5 is "localhost:9081")`,
    ],
    ["[NL-07] id 0", { 0: c }, "quorate: node 0 is reserved"],
    ["an empty list", [], "quorate: missing required node addresses: the list is empty"],
    ["an address without a port", [c, "not-an-address"], 'quorate: invalid address "not-an-address": '],
  ])("refuses %s", async (_, nodes, message) => {
    await using alone = await lonely([a, b]);
    const { base, dialled } = alone;
    await expect(base.extend(nodes)).rejects.toEqual(invalid(message));
    expect(await dialled()).toEqual([a, b]);
  });

  it("refuses a list that would need ids of dynamic clients", async () => {
    await using alone = await lonely({ 1048574: a });
    const { base } = alone;
    await expect(base.extend([b, c])).rejects.toEqual(invalid("node id 1048576 is out of range"));
    expect((await base.extend([b])).ids).toEqual([1048574, 1048575]);
  });

  it("[W-29] connects to nobody if one entry is refused, and forgets the others", async () => {
    await using alone = await lonely([a, b]);
    const { base, dialled } = alone;
    await expect(base.extend({ 3: c, 4: d, 9: a })).rejects.toEqual(invalid("already in use"));
    await expect(base.extend([c, "not-an-address"])).rejects.toEqual(invalid("not-an-address"));
    expect(await dialled()).toEqual([a, b]);
    // Neither the ids nor the addresses are taken.
    const other = await base.extend({ 3: d, 4: c });
    expect(other.ids).toEqual([1, 2, 3, 4]);
    expect(await dialled()).toEqual([a, b, d, c]);
  });

  it("[NL-14] takes the node that is there for an id with its own address", async () => {
    await using alone = await lonely({ 1: a, 2: b });
    const { base, dialled } = alone;
    const extended = await base.extend({ 2: b, 3: c });
    expect(extended.ids).toEqual([1, 2, 3]);
    expect(extended.node(2)).toBe(base.node(2));
    const respelled = await base.extend({ 1: "localhost:9081", 3: c });
    expect(respelled.node(1)).toBe(base.node(1));
    expect(respelled.node(3)).toBe(extended.node(3));
    expect(await dialled()).toEqual([a, b, c]);
  });

  it("[CF-17] may be called five times at once", async () => {
    await using alone = await lonely([a]);
    const { base, dialled } = alone;
    const ids = [2, 3, 4, 5, 6];
    const extended = await Promise.all(ids.map((id) => base.extend({ [id]: `127.0.0.1:${9080 + id}` })));
    expect(extended.map((one) => one.ids)).toEqual(ids.map((id) => [1, id]));
    expect(await dialled()).toHaveLength(6);
    expect(new Set(extended.map((one) => one.nodes[0]))).toEqual(new Set([base.node(1)]));
  });

  it("[W-29] makes one node of one id, and one id of one address, of calls at once", async () => {
    await using alone = await lonely([a]);
    const { base, dialled } = alone;
    const [first, same, other, again] = await Promise.allSettled([
      // The look-up of a name takes longer.
      base.extend({ 2: "localhost:9082" }),
      base.extend({ 2: b }),
      base.extend({ 2: c }),
      base.extend({ 3: b }),
    ]);
    expect(first.status).toBe("fulfilled");
    expect(other).toMatchObject({
      reason: { message: 'quorate: node 2 already in use by "localhost:9082"' },
    });
    expect(again).toMatchObject({ reason: invalid(`address "${b}" already in use by node 2`) });
    if (first.status !== "fulfilled" || same.status !== "fulfilled") throw new Error("both are node 2");
    expect(same.value.node(2)).toBe(first.value.node(2));
    expect(await dialled()).toEqual([a, "localhost:9082"]);
  });

  it("[W-29] numbers lists that are given at once in the order of the calls", async () => {
    await using alone = await lonely([a]);
    const { base } = alone;
    const lists = [["localhost:9082"], [c], ["not-an-address"], ["localhost:9084", "127.0.0.1:9085"]];
    const settled = await Promise.allSettled(lists.map((list) => base.extend(list)));
    const ids = settled.map((one) => (one.status === "fulfilled" ? one.value.ids : "refused"));
    expect(ids).toEqual([[1, 2], [1, 3], "refused", [1, 4, 5]]);
  });

  it("fails after a close, also after one that comes meanwhile", async () => {
    await using alone = await lonely([a]);
    const { base, dialled } = alone;
    const closed = expect.objectContaining({ code: Code.Unavailable, reason: "CLOSED" }) as Error;
    const meanwhile = rejectionOf(base.extend(["localhost:9082"]));
    await base.close();
    expect(await meanwhile).toEqual(closed);
    await expect(base.extend([c])).rejects.toEqual(closed);
    await expect(base.extend()).rejects.toEqual(closed);
    expect(await dialled()).toEqual([a]);
  });
});
