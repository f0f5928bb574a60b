import { type Configuration, type Connection, createServer, type QuorateEvent, type Server } from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { features, RawPeer } from "./raw-peer.js";

checkLeaks();

const nodes = { 1: "127.0.0.1:1", 2: "127.0.0.1:2", 3: "127.0.0.1:3" };

async function openServer(options: Partial<Parameters<typeof createServer>[0]>) {
  const network = createMemoryTransport();
  const server = await createServer({ nodes, nodeId: 1, transport: network, ...options });
  const dial = (headers: Record<string, string>) => RawPeer.dial(server.address, headers, network);
  const claim = (id: number) => dial({ "gorums-node-id": String(id), ...features });
  return { server, dial, claim, [Symbol.asyncDispose]: () => server.close({ graceMs: 0 }) };
}

describe("onPeersChange and onClientsChange", () => {
  it("[OC-02] [OC-04] [OC-05] are told once of each change, and of no other", async () => {
    const peers: (readonly number[])[] = [];
    const clients: (readonly number[])[] = [];
    await using one = await openServer({
      onPeersChange: ({ ids }) => peers.push(ids),
      onClientsChange: ({ ids }) => clients.push(ids),
    });
    const second = await one.claim(2);
    await one.server.waitForPeers(2);
    const dynamic = await one.claim(0);
    await one.server.waitForClients(1);
    const again = await one.claim(2);
    await second.ended();
    await dynamic[Symbol.asyncDispose]();
    await one.server.waitForClients(({ size }) => size === 0);
    await again[Symbol.asyncDispose]();
    await one.server.waitForPeers(({ size }) => size === 1);
    expect(peers).toEqual([[1], [1, 2], [1]]);
    expect(clients).toEqual([[1 << 20], []]);
  });

  it("[KP-11] [OC-06] see the state that is told, and may ask the server for it", async () => {
    const seen: string[] = [];
    const told: Configuration[] = [];
    const servers: Server[] = [];
    const waits: Promise<void>[] = [];
    const ask = (what: string, configuration: Configuration) => {
      told.push(configuration);
      const [server] = servers;
      if (server === undefined) return;
      const current = server[what === "peers" ? "peers" : "clients"];
      seen.push(`${what} ${configuration} ${current === configuration}`);
      waits.push(
        what === "peers"
          ? server.waitForPeers(configuration.size)
          : server.waitForClients(configuration.size),
      );
      server.snapshot();
    };
    await using one = await openServer({
      onPeersChange: (peers) => ask("peers", peers),
      onClientsChange: (clients) => ask("clients", clients),
    });
    servers.push(one.server);
    await one.claim(2);
    await one.server.waitForPeers(2);
    await one.claim(0);
    await one.server.waitForClients(1);
    await Promise.all(waits);
    expect(seen).toEqual(["peers {1, 2} true", "clients {1048576} true"]);
    // What was told before has not changed since.
    expect(told.map(String)).toEqual(["{1}", "{1, 2}", "{1048576}"]);
  });

  it("that throw harm nobody, and are told as events", async () => {
    const events: QuorateEvent[] = [];
    const broken = (name: string) => () => {
      throw new Error(name);
    };
    await using one = await openServer({
      onPeersChange: broken("peers"),
      onClientsChange: broken("clients"),
      onConnect: broken("connect"),
      onEvent: (event) => events.push(event),
    });
    await one.claim(2);
    await one.claim(0);
    await one.server.waitForPeers(2);
    await one.server.waitForClients(1);
    const failed = events.flatMap((event) =>
      event.kind === "callbackFailed" ? [[event.callback, String(event.error)]] : [],
    );
    expect(failed).toEqual([
      ["onPeersChange", "Error: peers"],
      ["onPeersChange", "Error: peers"],
      ["onConnect", "Error: connect"],
      ["onClientsChange", "Error: clients"],
      ["onConnect", "Error: connect"],
    ]);
    expect(one.server.snapshot().counters.callbackFailed).toBe(5);
  });
});

describe("onConnect", () => {
  it("[CB-01] [CB-02] [MD-04] runs once for each stream, when its peer can be seen, before its requests", async () => {
    const seen: string[] = [];
    const connections: Connection[] = [];
    await using one = await openServer({
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoRPC: (_, { connection }) => {
            seen.push(`request on ${connection === connections[0] ? "the first" : "another"}`);
            return {};
          },
        }),
      onConnect: (connection) => {
        connections.push(connection);
        seen.push(`connect with ${connection.metadata.get("message")}, peers ${one.server.peers}`);
      },
    });
    await using peer = await one.dial({ "gorums-node-id": "2", message: "hello", ...features });
    await peer.request(1, "test.v1.Test.EchoRPC");
    await peer.reply(1);
    expect(seen).toEqual(["connect with hello, peers {1, 2}", "request on the first"]);
    const [connection] = connections;
    expect(connection?.remoteAddress).toMatch(/^memory:\d+$/);
    expect(connection?.closed.aborted).toBe(false);
    await one.dial({ "gorums-node-id": "2", message: "again", ...features });
    await eventually(() => connections.length === 2);
    expect(seen.at(-1)).toBe("connect with again, peers {1, 2}");
    expect(connections[1]?.id).not.toBe(connection?.id);
    // The first was replaced.
    expect(connection?.closed.aborted).toBe(true);
  });

  it("does not run for a stream that is refused", async () => {
    const connections: Connection[] = [];
    await using one = await openServer({ onConnect: (connection) => connections.push(connection) });
    await using refused = await one.claim(1);
    await refused.ended();
    expect(connections).toEqual([]);
  });
});
