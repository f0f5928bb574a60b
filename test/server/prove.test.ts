import {
  Code,
  connect,
  createClient,
  createServer,
  type DialAttempt,
  type QuorateEvent,
  type ServerOptions,
  sharedSecret,
} from "quorate";
import { createLocalCluster, createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { features, RawPeer } from "./raw-peer.js";

checkLeaks();

const secret = "correct horse battery staple";
const routes: NonNullable<ServerOptions["routes"]> = (router) => router.service(Test, echoHandlers(1));

describe.each(["memory", "loopback"] as const)("a secret that is shared, on %s", (transport) => {
  it("lets replicas and clients find each other, also after a restart", async () => {
    await using cluster = await createLocalCluster(3, { transport, ...sharedSecret(secret), routes });
    const configuration = await cluster.connect({
      prove: sharedSecret(secret).prove,
      backoff: { minMs: 1, maxMs: 20 },
    });
    const test = createClient(Test, configuration);
    expect((await test.echoQC({ value: "x" }).all()).value).toBe("echo: x");
    await cluster.servers[2]?.close({ graceMs: 0 });
    await cluster.restart(3);
    await Promise.all(cluster.servers.map((server) => server.waitForPeers(3)));
    expect((await test.echoQC({ value: "y" }, { waitForReady: true }).all()).value).toBe("echo: y");
    for (const server of cluster.servers) expect(server.snapshot().counters.streamRefused).toBe(0);
  });

  it.each([
    ["proves another", { prove: sharedSecret("a guess of 16 bytes or more").prove }, /is not valid/],
    ["proves nothing", {}, /is missing/],
  ])("fails the calls of a client that %s with the true status", async (_, options, text) => {
    await using cluster = await createLocalCluster(1, { transport, ...sharedSecret(secret), routes });
    const configuration = await cluster.connect(options);
    const call = () => rejectionOf(createClient(Test, configuration.node(1)).echoRPC({}));
    const status = { code: Code.Unauthenticated, message: expect.stringMatching(text) as string };
    expect(await call()).toMatchObject(status);
    await eventually(() => !configuration.node(1).connected, "the end of the stream");
    expect(await call()).toMatchObject(status);
  });
});

describe("a proof that somebody has seen", () => {
  it("[W-02] is of no use a second time, and the peer that made it is not disturbed", async () => {
    const seen: string[] = [];
    const { identify, prove } = sharedSecret(secret);
    const changes: (readonly number[])[] = [];
    const nodes = { 1: "127.0.0.1:1", 2: "127.0.0.1:2" };
    await using server = await createServer({
      address: "127.0.0.1:0",
      nodeId: 1,
      nodes,
      identify: (peer, signal) => {
        seen.push(peer.metadata.get("quorate-proof") ?? "");
        return identify(peer, signal);
      },
      prove,
      onPeersChange: ({ ids }) => changes.push(ids),
    });
    await using two = await createServer({
      address: "127.0.0.1:0",
      nodeId: 2,
      nodes: { ...nodes, 1: server.address },
      prove,
      routes,
    });
    await server.waitForPeers(2);
    const [proof = ""] = seen;
    await using thief = await RawPeer.dial(server.address, {
      "gorums-node-id": "2",
      "quorate-proof": proof,
      ...features,
    });
    expect(await thief.ended()).toMatchObject({ code: Code.Unauthenticated });
    expect(thief.status?.message).toMatch(/was used before/);
    expect(changes).toEqual([[1], [1, 2]]);
    expect((await createClient(Test, server.peers.node(2)).echoRPC({})).server).toBe(1);
    expect(two.configuration.node(1).connected).toBe(true);
  });
});

describe("prove", () => {
  it("is asked anew for every attempt, with what it is for", async () => {
    const attempts: DialAttempt[] = [];
    const prove = (attempt: DialAttempt) => {
      attempts.push(attempt);
      return {};
    };
    const transport = createMemoryTransport();
    const nodes = { 1: "127.0.0.1:11", 4: "127.0.0.1:14" };
    const backoff = { minMs: 1, maxMs: 2 };
    await using replica = await createServer({ nodes, nodeId: 1, transport, prove, backoff });
    await eventually(() => attempts.length >= 3, "attempts");
    expect(replica.configuration.node(4).connected).toBe(false);
    for (const attempt of attempts) {
      expect(attempt).toEqual({ claim: { kind: "node", id: 1 }, address: "127.0.0.1:14", serverId: 4 });
    }
  });

  it("is not asked by a server that dials nobody", async () => {
    let asked = 0;
    const prove = () => {
      asked += 1;
      return {};
    };
    await using server = await createServer({
      address: "127.0.0.1:0",
      transport: createMemoryTransport(),
      prove,
    });
    expect(server.configuration.size).toBe(0);
    expect(asked).toBe(0);
  });

  it.each([
    ["can be called", { routes }, "dynamic"],
    ["cannot", {}, "plain"],
  ])("is told what a client claims that %s", async (_, options, kind) => {
    const attempts: DialAttempt[] = [];
    await using configuration = await connect({
      nodes: { 9: "127.0.0.1:19" },
      transport: createMemoryTransport(),
      prove: async (attempt) => {
        attempts.push(attempt);
        return {};
      },
      ...options,
    });
    await eventually(() => attempts.length > 0, "an attempt");
    expect(configuration.ids).toEqual([9]);
    expect(attempts[0]).toEqual({ claim: { kind }, address: "127.0.0.1:19", serverId: undefined });
  });

  it("sends what it gives as metadata of the stream, behind the rest", async () => {
    const transport = createMemoryTransport();
    const seen: (readonly string[])[] = [];
    await using server = await createServer({
      address: "127.0.0.1:0",
      transport,
      identify: ({ metadata }) => {
        seen.push(metadata.getAll("x-token"));
        return {};
      },
    });
    let tokens = 0;
    await using configuration = await connect({
      nodes: [server.address],
      transport,
      metadata: { "x-token": "mine" },
      prove: async () => ({ "x-token": `token ${++tokens}` }),
      backoff: { minMs: 1, maxMs: 2 },
    });
    await eventually(() => seen.length === 1 && configuration.node(1).connected, "the stream");
    transport.breakStreams(server.address);
    await eventually(() => seen.length === 2, "another stream");
    expect(seen).toEqual([
      ["mine", "token 1"],
      ["mine", "token 2"],
    ]);
  });

  it.each([
    ["throws", () => Promise.reject(new Error("no token today")), "no token today"],
    ["gives what cannot be sent", () => ({ "a key": "x" }), 'stream metadata "a key"'],
  ])("fails the attempt if it %s", async (_, prove, text) => {
    const events: QuorateEvent[] = [];
    await using configuration = await connect({
      nodes: ["127.0.0.1:19"],
      transport: createMemoryTransport(),
      prove,
      backoff: { minMs: 1, maxMs: 2 },
      onEvent: (event) => events.push(event),
    });
    await eventually(() => events.some(({ kind }) => kind === "connectFailed"), "the failure");
    const error = await rejectionOf(createClient(Test, configuration.node(1)).echoRPC({}));
    expect(error.message).toContain(text);
  });

  it("that never answers holds neither an attempt up beyond its time, nor a close", async () => {
    const signals: AbortSignal[] = [];
    const configuration = await connect({
      nodes: ["127.0.0.1:19"],
      transport: createMemoryTransport(),
      prove: (_, signal) => {
        signals.push(signal);
        return new Promise(() => {});
      },
      connectTimeoutMs: 20,
      backoff: { minMs: 1, maxMs: 2 },
    });
    await eventually(() => signals.length >= 2, "a second attempt");
    expect(signals[0]?.aborted).toBe(true);
    await configuration.close();
    await eventually(() => signals.every(({ aborted }) => aborted), "the end of all attempts");
  });
});
