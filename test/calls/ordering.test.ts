import { type Configuration, createClient, type QuorateEvent } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { serverAt, transports } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";

checkLeaks();

/** Servers that note the numbers that they get, and clients that do so too. */
async function notingCluster(size: number, transport: "memory" | "loopback") {
  const seen = new Map<number, number[]>();
  const handlers = (node: number) => {
    const note = ({ value }: { value: string }) => {
      seen.set(node, [...(seen.get(node) ?? []), Number(value)]);
      return {};
    };
    return {
      echoRPC: note,
      echoPlain: note,
      echoQC: note,
      echoUnicast: note,
      echoMulticast: note,
      echoCorrectable: (request: { value: string }) => [note(request)],
    };
  };
  const cluster = await createLocalCluster(size, {
    transport,
    routes: (router, node) => router.service(Test, handlers(node)),
  });
  const seenBy = (node: number) => seen.get(node) ?? [];
  return { cluster, handlers, seenBy, [Symbol.asyncDispose]: () => cluster.close() };
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

describe.each(transports)(
  "calls to one node arrive in the order in which they were made, on %s",
  (transport) => {
    it("[OR-01] rpcs one after the other", async () => {
      await using servers = await notingCluster(1, transport);
      const client = await servers.cluster.connect();
      const test = createClient(Test, client.node(1));
      for (const at of upTo(100)) await test.echoRPC({ value: String(at) });
      expect(servers.seenBy(1)).toEqual(upTo(100));
    });

    it("[OR-02] quorum calls one after the other", async () => {
      await using servers = await notingCluster(4, transport);
      const test = createClient(Test, await servers.cluster.connect());
      for (const at of upTo(100)) await test.echoQC({ value: String(at) }).all();
      for (const node of [1, 2, 3, 4]) expect(servers.seenBy(node)).toEqual(upTo(100));
    });

    it("[OR-03] [AS-03] quorum calls that are not awaited", async () => {
      await using servers = await notingCluster(4, transport);
      const test = createClient(Test, await servers.cluster.connect());
      await Promise.all(upTo(100).map((at) => test.echoQC({ value: String(at) }).all()));
      for (const node of [1, 2, 3, 4]) expect(servers.seenBy(node)).toEqual(upTo(100));
    });

    const mixed = async (target: Configuration) => {
      const all = createClient(Test, target);
      const nodes = target.nodes.map((node) => createClient(Test, node));
      const calls: Promise<unknown>[] = [];
      for (const at of upTo(1_000)) {
        const request = { value: String(at) };
        if (at % 4 === 0) calls.push(all.echoQC(request).majority());
        else if (at % 4 === 1) for (const node of nodes) calls.push(node.echoRPC(request));
        else if (at % 4 === 2) calls.push(all.echoMulticast(request));
        else for (const node of nodes) calls.push(node.echoUnicast(request, { ignoreErrors: at % 8 === 3 }));
      }
      await Promise.all(calls);
    };

    it("[OR-04] 1,000 calls of all types, none of them awaited", async () => {
      await using servers = await notingCluster(3, transport);
      await mixed(await servers.cluster.connect());
      for (const node of [1, 2, 3]) {
        await eventually(() => servers.seenBy(node).length === 1_000);
        expect(servers.seenBy(node)).toEqual(upTo(1_000));
      }
    });

    it("[OR-04] [W-19] the same from a server to its clients", async () => {
      await using servers = await notingCluster(1, transport);
      const server = serverAt(servers.cluster, 1);
      for (const client of [11, 12, 13]) {
        await servers.cluster.connect({ routes: (router) => router.service(Test, servers.handlers(client)) });
      }
      await server.waitForClients(3);
      await mixed(server.clients);
      for (const client of [11, 12, 13]) {
        await eventually(() => servers.seenBy(client).length === 1_000);
        expect(servers.seenBy(client)).toEqual(upTo(1_000));
      }
    });

    it("[OR-04] [SE-06] the same from a server to its peers and itself", async () => {
      await using servers = await notingCluster(3, transport);
      await mixed(serverAt(servers.cluster, 2).peers);
      for (const node of [1, 2, 3]) {
        await eventually(() => servers.seenBy(node).length === 1_000);
        expect(servers.seenBy(node)).toEqual(upTo(1_000));
      }
    });
  },
);

describe("one stream", () => {
  it("[OR-05] runs its requests one at a time, and different streams at the same time", async () => {
    const running = new Map<string, number>();
    let most = 0;
    let mostTogether = 0;
    const events: QuorateEvent[] = [];
    await using cluster = await createLocalCluster(1, {
      onEvent: (event) => events.push(event),
      routes: (router) => {
        const work = async ({ value }: { value: string }) => {
          running.set(value, (running.get(value) ?? 0) + 1);
          most = Math.max(most, running.get(value) ?? 0);
          mostTogether = Math.max(
            mostTogether,
            [...running.values()].reduce((sum, one) => sum + one, 0),
          );
          for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
          running.set(value, (running.get(value) ?? 0) - 1);
          return {};
        };
        router.service(Test, {
          echoRPC: work,
          echoPlain: work,
          echoQC: work,
          echoUnicast: work,
          echoMulticast: work,
          echoCorrectable: async (request) => [await work(request)],
        });
      },
    });
    const clients = await Promise.all(upTo(3).map(() => cluster.connect()));
    await Promise.all(
      clients.flatMap((client, at) =>
        upTo(20).map(() => createClient(Test, client.node(1)).echoRPC({ value: String(at) })),
      ),
    );
    expect(most).toBe(1);
    expect(mostTogether).toBeGreaterThan(1);
    expect(events.filter(({ kind }) => kind === "handlerFailed")).toEqual([]);
  });

  it("[SI-09] lets the next request start when the handler releases, however often", async () => {
    const order: string[] = [];
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await using cluster = await createLocalCluster(1, {
      routes: (router) =>
        router.service(Test, {
          echoRPC: async ({ value }, context) => {
            order.push(`start ${value}`);
            if (value === "1") {
              context.release();
              context.release();
              await gate;
            }
            // Only the first has released: the third must wait for the second.
            if (value === "2") await new Promise((resolve) => setImmediate(resolve));
            order.push(`end ${value}`);
            return {};
          },
          echoPlain: () => ({}),
          echoQC: () => ({}),
          echoUnicast: () => {},
          echoMulticast: () => {},
          echoCorrectable: () => [],
        }),
    });
    const test = createClient(Test, (await cluster.connect()).node(1));
    const calls = ["1", "2", "3"].map((value) => test.echoRPC({ value }));
    await Promise.all(calls.slice(1));
    open();
    await calls[0];
    expect(order).toEqual(["start 1", "start 2", "end 2", "start 3", "end 3", "end 1"]);
  });
});
