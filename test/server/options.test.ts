import { Code, type ConnectOptions, connect, createServer, type ServerOptions } from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { checkLeaks } from "../helpers/leaks.js";

checkLeaks();

type Bad = [name: string, value: unknown];

const counts = [
  "maxMessageBytes",
  "maxQueuedRequests",
  "maxQueuedBytes",
  "maxQueuedCalls",
  "maxQueuedCallBytes",
];
const badCounts = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5"];

const badIntervals = [0, -1, 1.5, Number.NaN, 2 ** 31, null, "5"];

const common: Bad[] = [
  ...counts.flatMap((name) => badCounts.map((value): Bad => [name, value])),
  ...badIntervals.map((value): Bad => ["keepaliveMs", value]),
  ...["defaultTimeoutMs", "connectTimeoutMs"].flatMap((name) =>
    [-1, Number.NaN, "5"].map((value): Bad => [name, value]),
  ),
  ["connectTimeoutMs", 0],
  ...[
    { minMs: 0 },
    { minMs: -5 },
    { minMs: 10, maxMs: 9 },
    { minMs: 4_000 },
    { maxMs: Number.POSITIVE_INFINITY },
    { factor: 0.5 },
    { jitter: 2 },
    { jitter: -0.1 },
    { minMs: Number.NaN },
    { factor: Number.NaN },
  ].map((value): Bad => ["backoff", value]),
  ["routes", {}],
  ["onEvent", "console.log"],
];

const ofServers: Bad[] = [
  ...["maxDynamicClients", "maxRefusedStreams"].flatMap((name) =>
    badCounts.map((value): Bad => [name, value]),
  ),
  ...["acceptedKeepaliveMs", "keepaliveTimeoutMs"].flatMap((name) =>
    badIntervals.map((value): Bad => [name, value]),
  ),
  ["onPeersChange", 1],
  ["onClientsChange", {}],
  ["onConnect", "x"],
];

const named = (name: string) =>
  expect.objectContaining({
    code: Code.InvalidArgument,
    message: expect.stringMatching(new RegExp(`^quorate: ${name}`)) as string,
  }) as Error;

describe("connect", () => {
  it.each(common)("names the bad option %s: %j", async (name, value) => {
    const options = { nodes: ["127.0.0.1:1"], transport: createMemoryTransport(), [name]: value };
    await expect(connect(options as ConnectOptions)).rejects.toEqual(named(name));
  });

  it.each([
    [{ "grpc-timeout": "1" }, 'quorate: stream metadata "grpc-timeout"'],
    [{ "key-bin": "x" }, 'quorate: stream metadata "key-bin"'],
    [{ "a key": "x" }, 'quorate: stream metadata "a key"'],
    [{ key: "ä" }, 'quorate: the value of stream metadata "key"'],
    [{ "": "x" }, 'quorate: metadata key ""'],
  ])("[J-16] refuses the stream metadata %j, which could not be sent", async (metadata, message) => {
    await expect(connect({ nodes: ["127.0.0.1:1"], metadata })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringContaining(message) as string,
    });
  });

  it.each([
    { defaultTimeoutMs: Number.POSITIVE_INFINITY },
    { defaultTimeoutMs: 0 },
    { connectTimeoutMs: Number.POSITIVE_INFINITY },
    { backoff: {} },
    { backoff: { minMs: 1, maxMs: 1, factor: 1, jitter: 0 } },
    { maxQueuedRequests: 1, maxQueuedCalls: 1 },
    { routes: undefined, metadata: undefined, onEvent: undefined, backoff: undefined },
  ])("takes %j", async (options) => {
    const all = { nodes: ["127.0.0.1:1"], transport: createMemoryTransport(), ...options };
    await using configuration = await connect(all as ConnectOptions);
    expect(configuration.size).toBe(1);
  });
});

describe("createServer", () => {
  it.each([...common, ...ofServers])("names the bad option %s: %j", async (name, value) => {
    const network = createMemoryTransport();
    const options = { address: "127.0.0.1:1", transport: network, [name]: value };
    await expect(createServer(options as ServerOptions)).rejects.toEqual(named(name));
    // It does not listen: the address is free.
    await using server = await createServer({ address: "127.0.0.1:1", transport: network });
    expect(server.address).toBe("127.0.0.1:1");
  });

  it.each<[string, ServerOptions, string]>([
    ["neither address nor nodes", {}, "quorate: a server needs an `address`, or `nodes` and its `nodeId`"],
    ["a nodeId without nodes", { nodeId: 1, address: "127.0.0.1:0" }, "quorate: nodeId 1 needs `nodes`"],
    ["nodes without a nodeId", { nodes: ["127.0.0.1:1"] }, "quorate: `nodes` needs `nodeId`"],
    [
      "a nodeId that is not among the nodes",
      { nodes: ["127.0.0.1:1"], nodeId: 2 },
      "quorate: nodeId 2 is not among",
    ],
    [
      "a nodeId that is no number",
      { nodes: ["127.0.0.1:1"], nodeId: "1" as unknown as number },
      "quorate: nodeId 1 ",
    ],
    ["an address without a port", { address: "localhost" }, 'quorate: invalid address "localhost"'],
    ["an empty address", { address: "" }, 'quorate: invalid address ""'],
    ["a port above 65535", { address: "127.0.0.1:70000" }, 'quorate: invalid address "127.0.0.1:70000"'],
  ])("refuses %s", async (_, options, message) => {
    await expect(createServer(options)).rejects.toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringContaining(message) as string,
    });
  });

  it.each(["memory", "loopback"])(
    "[SY-09] rejects with LISTEN_FAILED for an address in use, and leaves nothing open, on %s",
    async (transport) => {
      const options = transport === "memory" ? { transport: createMemoryTransport() } : {};
      await using server = await createServer({ address: "127.0.0.1:0", ...options });
      await expect(createServer({ address: server.address, ...options })).rejects.toMatchObject({
        code: Code.Unavailable,
        reason: "LISTEN_FAILED",
        message: expect.stringContaining(`quorate: cannot listen on ${server.address}: `) as string,
      });
    },
  );

  it("[SY-03] can listen again on the address of a server that was closed", async () => {
    const first = await createServer({ address: "127.0.0.1:0" });
    await first.close();
    await using second = await createServer({ address: first.address });
    expect(second.address).toBe(first.address);
  });

  it("listens on the address of its own node, if no other is given", async () => {
    const transport = createMemoryTransport();
    const nodes = { 4: "127.0.0.1:94", 7: "127.0.0.1:97" };
    await using server = await createServer({ nodes, nodeId: 7, transport });
    expect(server.address).toBe("127.0.0.1:97");
    await using behindProxy = await createServer({ nodes, nodeId: 4, address: "127.0.0.1:5", transport });
    expect(behindProxy.address).toBe("127.0.0.1:5");
    expect(behindProxy.configuration.node(4).address).toBe("127.0.0.1:94");
  });
});
