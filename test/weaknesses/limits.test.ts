import { connect, createClient, createServer, type HandlerContext } from "quorate";
import { describe, expect, it } from "vitest";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { createGate } from "../transport/gate.js";
import {
  collectFrames,
  envelopeBytes,
  frame,
  openHttp2Client,
  openRawServer,
} from "../transport/raw-peers.js";
import { ask, echoRPC, requestPayload } from "./echo-envelopes.js";

checkLeaks();

/** Messages that may still come after reading was turned off. */
const underWay = 32;

describe("the calls of a server to its clients", () => {
  it("[W-19] come one at a time, in order and with their metadata, and are answered", async () => {
    const seen: string[] = [];
    let running = 0;
    await using server = await createServer({ address: "127.0.0.1:0" });
    await using _ = await connect({
      nodes: [server.address],
      metadata: { stream: "ours" },
      routes: (router) =>
        router.service(Callback, {
          ...callbackHandlers(),
          ask: async ({ value }, { metadata }) => {
            running += 1;
            seen.push(`${value} ${metadata.getAll("key")} ${running}`);
            await new Promise((resolve) => setImmediate(resolve));
            running -= 1;
            return { value };
          },
        }),
    });
    await server.waitForClients(1);
    const [node] = server.clients.nodes;
    if (node === undefined) throw new Error("no client");
    const client = createClient(Callback, node);
    const numbers = Array.from({ length: 100 }, (_, at) => String(at));
    const replies = await Promise.all(
      numbers.map((value) => client.ask({ value }, { metadata: { key: ["a", value] } })),
    );
    expect(seen).toEqual(numbers.map((value) => `${value} a,${value} 1`));
    expect(replies.map(({ value }) => value)).toEqual(numbers);
  });

  it("[W-19] are not lost silently with their stream, nor are its replies", async () => {
    const contexts: HandlerContext[] = [];
    const gate = createGate();
    const hold = async (_: unknown, context: HandlerContext) => {
      contexts.push(context);
      await gate.opened;
      return {};
    };
    await using server = await createServer({ address: "127.0.0.1:0" });
    await using configuration = await connect({
      nodes: [server.address],
      backoff: { minMs: 60_000, maxMs: 60_000 },
      routes: (router) => router.service(Callback, { ...callbackHandlers(), askAll: hold }),
    });
    await server.waitForClients(1);
    const options = { timeoutMs: Number.POSITIVE_INFINITY };
    const calls = Array.from({ length: 3 }, () =>
      rejectionOf(createClient(Callback, server.clients).askAll({}, options).all()),
    );
    await eventually(() => contexts.length === 1, "the first request");
    const signal = contexts[0]?.signal;
    await server.close({ graceMs: 0 });
    for (const call of calls) expect((await call).message).toContain("node closed");
    await eventually(() => signal?.aborted === true, "the end of the signal");
    gate.open();
    expect(contexts).toHaveLength(1);
    expect(configuration.node(1).connected).toBe(false);
  });

  it("[W-19] are bounded at the client, which has a server that floods it wait", async () => {
    const floods = 2_000;
    const payload = requestPayload("x".repeat(1_000));
    let written = 0;
    let replies = 0;
    await using server = await openRawServer((stream) => {
      stream.on("data", () => {
        replies += 1;
      });
      for (let number = 1; number <= floods; number++) {
        const bytes = envelopeBytes({ number, serverInitiated: true, method: ask, payload });
        stream.write(bytes, () => {
          written += 1;
        });
      }
    });
    const gate = createGate();
    let running = 0;
    let most = 0;
    await using _ = await connect({
      nodes: [server.address],
      maxQueuedRequests: 8,
      routes: (router) =>
        router.service(Callback, {
          ...callbackHandlers(),
          ask: async (_, { release }) => {
            running += 1;
            most = Math.max(most, running);
            // Released, so that only the bound of the stream keeps them from running all at once.
            release();
            await gate.opened;
            running -= 1;
            return {};
          },
        }),
    });
    await eventually(() => running >= 8, "the requests");
    // What the transport holds in between: its window, and what it reads ahead.
    await eventually(async () => {
      const before = written;
      for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
      return written === before;
    }, "the server to be held up");
    expect(running).toBeLessThanOrEqual(8 + underWay);
    expect(written).toBeLessThan(floods / 2);
    gate.open();
    await eventually(() => replies === floods, "all replies", 15_000);
    expect(most).toBeLessThanOrEqual(8 + underWay);
  });
});

describe("a server", () => {
  it("[W-20] runs a bounded number of handlers of a stream at once, though each releases", async () => {
    const gate = createGate();
    let running = 0;
    let most = 0;
    await using server = await createServer({
      address: "127.0.0.1:0",
      maxQueuedRequests: 20,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(1),
          echoRPC: async (_, { release }) => {
            running += 1;
            most = Math.max(most, running);
            release();
            await gate.opened;
            running -= 1;
            return {};
          },
        }),
    });
    await using configuration = await connected(connect({ nodes: [server.address] }));
    const client = createClient(Test, configuration.node(1));
    const calls = Array.from({ length: 1_000 }, () => client.echoRPC({ data: new Uint8Array(500) }));
    await eventually(() => server.snapshot().streams[0]?.paused === true, "the pause");
    expect(running).toBeGreaterThanOrEqual(20);
    gate.open();
    await Promise.all(calls);
    expect(most).toBeLessThanOrEqual(20 + underWay);
  });

  it("[W-20] holds a bounded number of replies for a peer that does not read them", async () => {
    const requests = 2_000;
    let served = 0;
    await using server = await createServer({
      address: "127.0.0.1:0",
      maxQueuedRequests: 20,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(1),
          echoRPC: (_, { release }) => {
            served += 1;
            release();
            return { data: new Uint8Array(8_192) };
          },
        }),
    });
    // A client of grpc-js would read ahead of a user who does not read yet.
    using client = openHttp2Client(server.address);
    for (let number = 1; number <= requests; number++) {
      const payload = requestPayload("x".repeat(1_000));
      client.stream.write(frame(envelopeBytes({ number, method: echoRPC, payload })));
    }
    await eventually(() => server.snapshot().streams[0]?.paused === true, "the pause");
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(server.snapshot().streams[0]?.requests).toBeLessThanOrEqual(20 + underWay);
    expect(served).toBeLessThan(requests / 2);
    const frames = collectFrames(client.stream);
    await eventually(() => frames.length === requests, "all replies", 15_000);
    expect(frames.map(({ bytes }) => decodeEnvelope(bytes).number)).toEqual(
      Array.from({ length: requests }, (_, at) => at + 1),
    );
  });
});
