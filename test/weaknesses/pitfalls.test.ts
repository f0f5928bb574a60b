import { Code, type Configuration, connect, createClient, createServer, type Server } from "quorate";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { turn } from "../helpers/turn.js";
import { deadAddress, openHttp2Server, openRawServer } from "../transport/raw-peers.js";
import { echoed } from "./echo-envelopes.js";

checkLeaks();

// Mistakes that others have made before (wire.md, section 4), each as the rule that keeps from it.

const patient = { timeoutMs: Number.POSITIVE_INFINITY };

function serve(): Promise<Server> {
  return createServer({
    address: "127.0.0.1:0",
    routes: (router) => router.service(Test, echoHandlers(1)),
  });
}

describe("connecting", () => {
  it("opens one stream, however many calls are made before it is there", async () => {
    await using server = await openRawServer((stream) => {
      stream.on("data", (bytes: Buffer) => stream.write(echoed(bytes)));
    });
    await using configuration = await connect({ nodes: [server.address] });
    const calls = Array.from({ length: 100 }, async (_, at) => {
      for (let turns = 0; turns < at % 5; turns++) await turn();
      return createClient(Test, configuration.node(1)).echoRPC({ value: String(at) }, patient);
    });
    expect(await Promise.all(calls)).toHaveLength(100);
    expect(server.streams).toHaveLength(1);
  });

  it("asks for an id of the server's choice, whatever the user's metadata say", async () => {
    await using server = await createServer({
      nodeId: 1,
      nodes: { 1: await deadAddress(), 2: await deadAddress() },
      backoff: { minMs: 60_000, maxMs: 60_000 },
    });
    await using _ = await connect({
      nodes: [server.address],
      metadata: { "gorums-node-id": "2", "Quorate-Features": "nothing" },
      routes: (router) => router.service(Callback, callbackHandlers()),
    });
    await server.waitForClients(1);
    expect([server.peers.ids, server.clients.ids]).toEqual([[1], [1_048_576]]);
    const asked = createClient(Callback, server.clients).askAll({ value: "still" }).all();
    await expect(asked).resolves.toMatchObject({ value: "asked: still" });
  });
});

describe("closing", () => {
  it("leaves no entry, of calls with many replies and of calls without any neither", async () => {
    // It opens the stream and is silent.
    await using server = await openHttp2Server((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.resume();
    });
    const configuration = await connect({ nodes: [server.address] });
    const [node] = configuration.nodes;
    await eventually(() => node?.connected === true, "the connection");
    const all = createClient(Test, configuration);
    const calls = [
      rejectionOf(all.echoQC({}, patient).all()),
      rejectionOf(all.echoCorrectable({}, patient).correctable(1).result()),
    ];
    const read = all.echoCorrectable({}, patient).collect();
    await all.echoMulticast({}, patient);
    expect(node?.pendingCalls).toBe(3);
    await configuration.close({ graceMs: 0 });
    for (const call of calls) expect(await call).toMatchObject({ code: Code.Unavailable });
    expect([...(await read).values()]).toMatchObject([{ ok: false, error: { reason: "CLOSED" } }]);
    expect(node?.pendingCalls).toBe(0);
  });

  it("of a server whose clients were called by it does not wait for their answers", async () => {
    const server = await serve();
    let asked = 0;
    await using configuration = await connect({
      nodes: [server.address],
      routes: (router) =>
        router.service(Callback, {
          ...callbackHandlers(),
          askAll: (_, { signal }) => {
            asked += 1;
            return new Promise((resolve) => signal.addEventListener("abort", () => resolve({})));
          },
        }),
    });
    await server.waitForClients(1);
    const call = rejectionOf(createClient(Callback, server.clients).askAll({}, patient).all());
    await eventually(() => asked === 1, "the question");
    const began = performance.now();
    await server.close({ graceMs: 10_000 });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await call).toMatchObject({ code: Code.Unavailable });
    expect(configuration.size).toBe(1);
  });
});

describe("sub-configurations", () => {
  it("share the nodes and streams of what they were made of, in any order of making", async () => {
    const servers = await Promise.all([serve(), serve(), serve()]);
    await using configuration = await connect({ nodes: servers.map(({ address }) => address) });
    const made: Configuration[] = [
      configuration.without(1),
      configuration.without(1).union(configuration.without(3)),
      configuration.difference(configuration.without(2)),
    ];
    for (const part of made) {
      await createClient(Test, part).echoQC({}, patient).all();
      for (const node of part) expect(node).toBe(configuration.node(node.id));
    }
    for (const server of servers) expect(server.snapshot().streams).toHaveLength(1);
    await Promise.all(servers.map((server) => server.close()));
  });
});
