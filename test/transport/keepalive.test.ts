import { Code, connect, createClient, createServer, type PeerOptions, type QuorateEvent } from "quorate";
import { describe, expect, it } from "vitest";
import { grpcTransport } from "../../internal/transport/grpc-transport.js";
import type { DialOptions, ListenOptions } from "../../internal/transport/transport.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { openHttp2Client, openHttp2Server } from "./raw-peers.js";
import { startPeer } from "./start-peer.js";

checkLeaks();

describe("keepalive", () => {
  it("[J-07] [F-33] pings a server every five minutes by default, and a client every 20 s", async () => {
    const dialled: DialOptions[] = [];
    const listening: ListenOptions[] = [];
    const transport: PeerOptions["transport"] = {
      dial: (address, headers, options, signal) => {
        dialled.push(options);
        return grpcTransport.dial(address, headers, options, signal);
      },
      listen: (address, options) => {
        listening.push(options);
        return grpcTransport.listen(address, options);
      },
    };
    await using server = await createServer({ address: "127.0.0.1:0", transport });
    await using configuration = await connect({ nodes: [server.address], transport });
    await eventually(() => configuration.node(1).connected, "the connection");
    expect(dialled).toMatchObject([{ keepaliveMs: 300_000 }]);
    expect(listening).toMatchObject([{ keepaliveMs: 20_000, keepaliveTimeoutMs: 10_000 }]);
  });

  it("[J-07] pings a server as often as it is told, also while the stream is idle", async () => {
    await using server = await openHttp2Server((stream) => {
      stream.respond({ ":status": 200 });
      stream.resume();
    });
    await using configuration = await connect({ nodes: [server.address], keepaliveMs: 20 });
    await eventually(() => server.pings >= 3, "three pings");
    expect(configuration.node(1).connected).toBe(true);
  });

  it("[J-07] pings a client as often as it is told, also while the stream is idle", async () => {
    await using server = await createServer({ address: "127.0.0.1:0", acceptedKeepaliveMs: 20 });
    using client = openHttp2Client(server.address);
    let pings = 0;
    client.session.on("ping", () => {
      pings += 1;
    });
    await eventually(() => pings >= 3, "three pings");
    expect(server.snapshot().streams).toHaveLength(1);
  });

  it.each([Number.POSITIVE_INFINITY, 2 ** 31 - 1])(
    "[J-07] takes an interval of %d ms without pinging at once",
    async (keepaliveMs) => {
      await using server = await createServer({ address: "127.0.0.1:0", acceptedKeepaliveMs: keepaliveMs });
      await using configuration = await connect({ nodes: [server.address], keepaliveMs });
      await eventually(() => configuration.node(1).connected, "the connection");
      // An interval that overflowed the timer would be one of a millisecond.
      using client = openHttp2Client(server.address);
      let pings = 0;
      client.session.on("ping", () => {
        pings += 1;
      });
      await eventually(() => server.snapshot().streams.length === 2, "both streams");
      for (let round = 0; round < 20; round++) await new Promise((resolve) => client.session.ping(resolve));
      expect(pings).toBe(0);
    },
  );
});

describe("a peer that is half dead", () => {
  it("[J-24] [W-16] is removed by the server, and calls to it end", async () => {
    const ended: QuorateEvent[] = [];
    await using server = await createServer({
      address: "127.0.0.1:0",
      acceptedKeepaliveMs: 100,
      keepaliveTimeoutMs: 200,
      onEvent: (event) => {
        if (event.kind === "streamEnded") ended.push(event);
      },
    });
    await using peer = await startPeer("connect", server.address);
    await server.waitForClients(1, { timeoutMs: 15_000 });
    peer.stop();
    const call = createClient(Callback, server.clients).askAll({ value: "there?" }, { timeoutMs: 15_000 });
    await expect(call.first()).rejects.toMatchObject({ code: Code.Unavailable });
    // In the same turn: the session is being destroyed, and grpc-js would wait for it for ever.
    await server.close();
    expect(ended).toMatchObject([{ direction: "inbound" }]);
    expect(server.clients.size).toBe(0);
    expect(server.snapshot().streams).toEqual([]);
  });

  it("[J-20] does not keep a server from closing", async () => {
    const server = await createServer({ address: "127.0.0.1:0" });
    await using peer = await startPeer("connect", server.address);
    await server.waitForClients(1, { timeoutMs: 15_000 });
    peer.stop();
    const began = performance.now();
    await server.close({ graceMs: 0 });
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  it("[J-07] [W-16] is given up by the side that dialled it, which has it back when it wakes", async () => {
    await using peer = await startPeer("serve");
    const events: QuorateEvent[] = [];
    await using configuration = await connect({
      nodes: [peer.line],
      keepaliveMs: 100,
      connectTimeoutMs: 200,
      backoff: { minMs: 10, maxMs: 10 },
      onEvent: (event) => events.push(event),
    });
    const node = configuration.node(1);
    await eventually(() => node.connected, "the connection");
    peer.stop();
    const call = createClient(Test, node).echoRPC({ value: "there?" }, { timeoutMs: 19_000, resend: false });
    await expect(call).rejects.toMatchObject({ code: Code.Unavailable, reason: "STREAM_LOST" });
    await eventually(() => events.some((event) => event.kind === "connectFailed"), "an attempt in vain");
    peer.resume();
    await eventually(() => node.connected, "its return");
    expect(node.connected).toBe(true);
  }, 40_000);
});
