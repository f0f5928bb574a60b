import {
  Code,
  connect,
  createClient,
  createServer,
  type OwnedConfiguration,
  type QuorateEvent,
  type Server,
} from "quorate";
import { describe, expect, it } from "vitest";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { hasIpv6 } from "./has-ipv6.js";
import { deadAddress, openSilentListener } from "./raw-peers.js";
import { startPeer } from "./start-peer.js";

checkLeaks();

function serve(address = "127.0.0.1:0"): Promise<Server> {
  return createServer({ address, routes: (router) => router.service(Test, echoHandlers(1)) });
}

async function connectTo(address: string, options: { minMs?: number; maxMs?: number } = {}) {
  const failures: QuorateEvent[] = [];
  const configuration = await connect({
    nodes: [address],
    backoff: options,
    onEvent: (event) => {
      if (event.kind === "connectFailed") failures.push(event);
    },
  });
  return { configuration, failures, node: configuration.node(1) };
}

/** Milliseconds until the first node answers again, from now on. */
async function untilAnswered(configuration: OwnedConfiguration): Promise<number> {
  const began = performance.now();
  // The loss may not have been noticed: then the call is given to the old stream, and fails with it unless resent.
  const options = { waitForReady: true, resend: true };
  await createClient(Test, configuration.node(1)).echoRPC({ value: "back" }, options);
  return performance.now() - began;
}

describe("reconnecting", () => {
  it("[J-21] [LC-14] is back at once when a server returns that was away for long", async () => {
    const address = await deadAddress();
    const { configuration, failures } = await connectTo(address, { minMs: 20, maxMs: 50 });
    // A second or more: grpc-js itself would wait by now for more than a second between its attempts.
    await eventually(() => failures.length >= 30, "many attempts", 15_000);
    for (const failure of failures) {
      expect(failure).toMatchObject({ error: { code: Code.Unavailable } });
      expect(failure).toMatchObject({ error: { message: expect.stringContaining("ECONNREFUSED") } });
    }
    await using server = await serve(address);
    expect(server.address).toBe(address);
    expect(await untilAnswered(configuration)).toBeLessThan(500);
    await configuration.close();
  });

  it.each([
    ["at once", 0],
    ["after about half a second", 3],
  ])("[J-21] is back within a second of a restart %s", async (_, missed) => {
    const first = await serve();
    const { configuration, failures, node } = await connectTo(first.address);
    await createClient(Test, node).echoRPC({ value: "before" });
    await first.close({ graceMs: 0 });
    await eventually(() => failures.length >= missed, "attempts in vain");
    await using second = await serve(first.address);
    expect(second.address).toBe(first.address);
    expect(await untilAnswered(configuration)).toBeLessThan(1_000);
    expect(configuration.node(1)).toBe(node);
    await configuration.close();
  });

  it("[J-21] is back within a second when a server is killed and another takes its place", async () => {
    await using peer = await startPeer("serve");
    const { configuration, node } = await connectTo(peer.line);
    await eventually(() => node.connected, "the connection");
    await peer.kill();
    await using successor = await serve(peer.line);
    expect(successor.address).toBe(peer.line);
    expect(await untilAnswered(configuration)).toBeLessThan(1_000);
    await configuration.close();
  });

  it("[J-21] [W-08] comes back without any call being made", async () => {
    const first = await serve();
    const { configuration, node } = await connectTo(first.address, { minMs: 20, maxMs: 50 });
    await eventually(() => node.connected, "the connection");
    await first.close();
    await eventually(() => !node.connected, "the loss");
    await using second = await serve(first.address);
    await eventually(() => node.connected && second.snapshot().streams.length === 1, "the return");
    expect(node.connected).toBe(true);
    await configuration.close();
  });

  it("[J-18] [LC-03] fails a one-way call to a port where nobody listens", async () => {
    const { configuration, node } = await connectTo(await deadAddress());
    const sent = createClient(Test, node).echoUnicast({ value: "x" });
    await expect(sent).rejects.toMatchObject({
      code: Code.Unavailable,
      message: expect.stringContaining("connection error"),
    });
    await configuration.close();
  });

  it("[J-22] ends an attempt at a server that stays silent, and leaves no socket at either side", async () => {
    await using silent = await openSilentListener();
    const failures: QuorateEvent[] = [];
    const configuration = await connect({
      nodes: [silent.address],
      connectTimeoutMs: 50,
      backoff: { minMs: 10, maxMs: 10 },
      onEvent: (event) => failures.push(event),
    });
    const call = createClient(Test, configuration.node(1)).echoRPC({ value: "x" });
    await expect(call).rejects.toMatchObject({
      code: Code.Unavailable,
      cause: expect.objectContaining({ message: expect.stringContaining("within 50 ms") }),
    });
    await eventually(() => failures.length >= 3, "three attempts");
    await eventually(() => silent.sockets[0]?.closed === true, "the end of the first connection");
    await configuration.close();
    await eventually(() => silent.sockets.every((socket) => socket.closed), "the end of all connections");
  });

  it("[J-22] gives up an attempt when the configuration is closed", async () => {
    await using silent = await openSilentListener();
    const { configuration, node } = await connectTo(silent.address);
    const call = createClient(Test, node).echoRPC({ value: "x" });
    const failed = call.catch((error: unknown) => error);
    await eventually(() => silent.sockets.length === 1, "the connection");
    await configuration.close();
    expect(await failed).toMatchObject({ reason: "CLOSED" });
    await eventually(() => silent.sockets.every((socket) => socket.closed), "the end of the connection");
  });
});

describe("connections", () => {
  it("[J-10] [J-19] of two configurations with the same options are apart", async () => {
    const addresses: string[] = [];
    await using server = await createServer({
      address: "127.0.0.1:0",
      onConnect: ({ remoteAddress }) => addresses.push(remoteAddress),
      routes: (router) => router.service(Test, echoHandlers(1)),
    });
    const [first, second] = await Promise.all([1, 2].map(() => connect({ nodes: [server.address] })));
    await eventually(() => addresses.length === 2, "both streams");
    expect(new Set(addresses).size).toBe(2);
    await first?.close();
    const node = second?.node(1);
    if (node === undefined) throw new Error("no node");
    await expect(createClient(Test, node).echoRPC({ value: "on" })).resolves.toMatchObject({ server: 1 });
    await second?.close();
  });

  it("work over IPv6, and say so with brackets", async ({ skip }) => {
    skip(!hasIpv6, "this host has no IPv6 loopback address");
    await using server = await serve("[::1]:0");
    expect(server.address).toMatch(/^\[::1\]:[1-9]\d*$/);
    await using configuration = await connect({ nodes: [server.address] });
    const reply = createClient(Test, configuration.node(1)).echoRPC({ value: "six" });
    await expect(reply).resolves.toMatchObject({ value: "echo: six" });
    expect(server.snapshot().streams[0]?.remoteAddress).toMatch(/^::1:\d+$/);
  });
});
