import { Code, createClient, createServer, type QuorateError, type QuorateEvent, type Server } from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { grpcTransport } from "../../internal/transport/grpc-transport.js";
import { rejectionOf } from "../calls/held-cluster.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { features, RawPeer } from "./raw-peer.js";

checkLeaks();

/** Server 1 of three, whose peers are played by hand; what it dials does not answer. */
async function openServer(transport: "memory" | "loopback") {
  const network = transport === "memory" ? createMemoryTransport() : undefined;
  const changes: (readonly number[])[] = [];
  const events: QuorateEvent[] = [];
  const address = "127.0.0.1:0";
  const server: Server = await createServer({
    address,
    nodeId: 1,
    // Ports that need privileges, so that nobody listens there.
    nodes: { 1: "127.0.0.1:1", 2: "127.0.0.1:2", 3: "127.0.0.1:3" },
    transport: network ?? grpcTransport,
    routes: (router) => router.service(Test, { ...echoHandlers(1), echoPlain: hang }),
    onPeersChange: ({ ids }) => changes.push(ids),
    onEvent: (event) => events.push(event),
    defaultTimeoutMs: 5_000,
  });
  const dial = (headers: Record<string, string>) => RawPeer.dial(server.address, headers, network);
  const peer = (id: number, more: Record<string, string> = features) =>
    dial({ "gorums-node-id": String(id), ...more });
  return {
    server,
    changes,
    events,
    dial,
    peer,
    [Symbol.asyncDispose]: () => server.close({ graceMs: 0 }),
  };
}

const hang = (_: unknown, { signal }: { readonly signal: AbortSignal }) =>
  new Promise<object>((resolve) => signal.addEventListener("abort", () => resolve({})));

describe.each(["memory", "loopback"] as const)("known peers, on %s", (transport) => {
  it("[KP-01] [OC-01] are the server alone at first, told once and before it is returned", async () => {
    await using one = await openServer(transport);
    expect(one.changes).toEqual([[1]]);
    expect(one.server.peers.ids).toEqual([1]);
    expect(one.server.configuration.ids).toEqual([1, 2, 3]);
    expect(one.server.clients.ids).toEqual([]);
  });

  it("[KP-03] [KP-04] [OC-03] come and go, always in the order of their ids", async () => {
    await using one = await openServer(transport);
    const third = await one.peer(3);
    await one.server.waitForPeers(2);
    const second = await one.peer(2);
    await one.server.waitForPeers(3);
    await third[Symbol.asyncDispose]();
    await one.server.waitForPeers(({ size }) => size === 2);
    await second[Symbol.asyncDispose]();
    await one.server.waitForPeers(({ size }) => size === 1);
    expect(one.changes).toEqual([[1], [1, 3], [1, 2, 3], [1, 2], [1]]);
  });

  it("[KP-05] [KP-12] keep their node while they are away", async () => {
    await using one = await openServer(transport);
    const first = await one.peer(2);
    await one.server.waitForPeers(2);
    const before = one.server.peers;
    const node = before.node(2);
    await first[Symbol.asyncDispose]();
    await one.server.waitForPeers(({ size }) => size === 1);
    expect(node.connected).toBe(false);
    expect(await rejectionOf(createClient(Test, node).echoRPC({}))).toMatchObject({
      code: Code.Unavailable,
      reason: "NOT_CONNECTED",
      message: "quorate: stream is down: node 2 | addr: 127.0.0.1:2 is not connected",
    });
    await using again = await one.peer(2);
    await one.server.waitForPeers(2);
    expect(one.server.peers.node(2)).toBe(node);
    expect(node.connected).toBe(true);
    // The configuration of before is what it was, and calls the peer that is back.
    expect(before.ids).toEqual([1, 2]);
    const call = createClient(Test, before.node(2)).echoRPC({});
    await again.answerCall();
    await call;
    expect(one.changes).toEqual([[1], [1, 2], [1], [1, 2]]);
  });

  /** Peer 2 opens a stream, gets a call, and opens another stream. */
  async function replace(one: Awaited<ReturnType<typeof openServer>>, headers: Record<string, string>) {
    const older = await one.peer(2, headers);
    await one.server.waitForPeers(2);
    const node = one.server.peers.node(2);
    const outcome = createClient(Test, node)
      .echoRPC({ value: "for the older one" })
      .then(
        () => "answered",
        (error: QuorateError) => error.reason,
      );
    await eventually(() => older.received.length === 1);
    const newer = await one.peer(2, headers);
    await eventually(() => one.events.some(({ kind }) => kind === "streamReplaced"));
    const call = createClient(Test, node).echoRPC({ value: "for the newer one" });
    await newer.answerCall();
    await call;
    // Nobody left, nobody came.
    expect(one.changes).toEqual([[1], [1, 2]]);
    return { older, outcome };
  }

  it("[KP-07] [OC-05] a newer stream gets the calls, and the older one ends", async () => {
    await using one = await openServer(transport);
    const { older, outcome } = await replace(one, features);
    expect(one.events.find(({ kind }) => kind === "streamReplaced")).toMatchObject({
      nodeId: 2,
      ended: true,
    });
    expect(await older.ended()).toMatchObject({ code: Code.AlreadyExists });
    expect(older.status?.message).toMatch(/a newer stream of node 2 replaced this one/);
    expect(await outcome).toBe("CLOSED");
    expect(one.server.snapshot().streams).toHaveLength(1);
  });

  it("[F-30] [W-01] [J-05] the older stream of a Go peer, which would only open it again, is served on", async () => {
    await using one = await openServer(transport);
    const { older, outcome } = await replace(one, {});
    expect(one.events.find(({ kind }) => kind === "streamReplaced")).toMatchObject({
      nodeId: 2,
      ended: false,
    });
    await older.request(7, "test.v1.Test.EchoRPC");
    expect((await older.reply(7)).status).toBeUndefined();
    await older.answerCall();
    expect(await outcome).toBe("answered");
    expect(one.server.snapshot().streams).toHaveLength(2);
  });

  it("[KP-08] [KP-06] an older stream that ends late does not take the newer one away", async () => {
    await using one = await openServer(transport);
    const older = await one.peer(2, {});
    await one.server.waitForPeers(2);
    await using newer = await one.peer(2, {});
    await eventually(() => one.events.some(({ kind }) => kind === "streamReplaced"));
    await older[Symbol.asyncDispose]();
    await eventually(() => one.events.some(({ kind }) => kind === "streamEnded"));
    expect(one.server.peers.ids).toEqual([1, 2]);
    const call = createClient(Test, one.server.peers.node(2)).echoRPC({});
    await newer.answerCall();
    await call;
    expect(one.changes).toEqual([[1], [1, 2]]);
  });

  it("[KP-13] [W-30] the calls on a stream end with it, and the handlers of its requests", async () => {
    await using one = await openServer(transport);
    const peer = await one.peer(2);
    await one.server.waitForPeers(2);
    await peer.request(1, "test.v1.Test.EchoPlain");
    const calls = [1, 2, 3].map(() => rejectionOf(createClient(Test, one.server.peers.node(2)).echoRPC({})));
    await eventually(() => one.server.snapshot().streams[0]?.requests === 1 && peer.received.length === 3);
    await peer[Symbol.asyncDispose]();
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ code: Code.Unavailable, reason: "STREAM_LOST" });
    }
    expect(one.server.peers.ids).toEqual([1]);
    expect(one.server.snapshot().streams).toEqual([]);
  });

  it.each([
    ["[W-02] the server's own id", "1", Code.PermissionDenied],
    ["[J-03] the server's own id twice", "1, 1", Code.PermissionDenied],
    ["[W-23] an id in the range of dynamic clients", "1048576", Code.InvalidArgument],
    ["the largest uint32", "4294967295", Code.InvalidArgument],
    ["[W-02] more than a uint32", "4294967296", Code.InvalidArgument],
    ["[W-02] no number", "abc", Code.InvalidArgument],
    ["a negative number", "-1", Code.InvalidArgument],
    ["a fraction", "2.0", Code.InvalidArgument],
    ["a hexadecimal number", "0x2", Code.InvalidArgument],
    ["a number with an exponent", "2e0", Code.InvalidArgument],
    ["nothing", "", Code.InvalidArgument],
  ])("refuses a stream that claims %s", async (_, id, code) => {
    await using one = await openServer(transport);
    // A quorate peer learns of it at once.
    await using quorate = await one.dial({ "gorums-node-id": id, ...features });
    expect(await quorate.ended()).toMatchObject({ code });
    // Any other would come back for ever: it is told by the answers to its requests.
    await using other = await one.dial({ "gorums-node-id": id });
    await other.request(1, "test.v1.Test.EchoRPC");
    await other.request(2, "test.v1.Test.EchoUnicast");
    expect((await other.reply(1)).status).toMatchObject({ code });
    expect((await other.reply(2)).status).toMatchObject({ code });
    expect(other.status).toBeUndefined();
    expect(one.server.peers.ids).toEqual([1]);
    expect(one.server.clients.ids).toEqual([]);
    expect(one.changes).toEqual([[1]]);
    expect(one.events.filter(({ kind }) => kind === "streamRefused")).toHaveLength(2);
    expect(one.server.snapshot().streams).toMatchObject([{ nodeId: undefined, refused: true }]);
    // Self is still there, and answers.
    expect((await createClient(Test, one.server.peers).echoQC({ value: "x" }).all()).value).toBe("echo: x");
  });

  it("[J-05] keeps a bounded number of refused streams, and ends the oldest above it", async () => {
    await using one = await openServer(transport);
    const peers = await Promise.all(Array.from({ length: 1_026 }, () => one.dial({ "gorums-node-id": "1" })));
    await eventually(() => one.events.filter(({ kind }) => kind === "streamRefused").length === 1_026);
    await eventually(() => peers.filter(({ status }) => status !== undefined).length === 2);
    const ended = peers.flatMap(({ status }) => (status === undefined ? [] : [status.code]));
    expect(ended).toEqual([Code.PermissionDenied, Code.PermissionDenied]);
    expect(one.server.snapshot().streams).toHaveLength(1_024);
    expect(one.server.snapshot().counters.limits.refusedStreams).toBe(2);
  });

  it.each([
    ["[KP-09] an id that is not in the list", { "gorums-node-id": "99" }],
    ["[KP-09] [DC-07] no id", {}],
  ])("serves a stream with %s, and does not track it", async (_, headers) => {
    await using one = await openServer(transport);
    await using peer = await one.dial({ ...headers, ...features });
    await peer.request(1, "test.v1.Test.EchoRPC");
    expect((await peer.reply(1)).status).toBeUndefined();
    expect(one.server.peers.ids).toEqual([1]);
    expect(one.server.clients.ids).toEqual([]);
    expect(one.server.snapshot().streams).toMatchObject([{ nodeId: undefined, refused: false }]);
  });

  it.each([
    ["0002", 2],
    ["3 ,0", 3],
    ["2, 0", 2],
  ])("[J-03] reads the claim %j as node %i", async (claim, id) => {
    await using one = await openServer(transport);
    await one.dial({ "gorums-node-id": claim, ...features });
    await one.server.waitForPeers(2);
    expect(one.server.peers.ids).toEqual([1, id]);
  });
});
