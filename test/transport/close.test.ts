import { Code, connect, createClient, createServer, type Server, type ServerOptions } from "quorate";
import { describe, expect, it } from "vitest";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { createGate } from "./gate.js";
import { http2Settings, openHttp2Client, openRawClient, openSilentListener } from "./raw-peers.js";

checkLeaks();

function serve(options: Partial<ServerOptions> = {}): Promise<Server> {
  return createServer({
    address: "127.0.0.1:0",
    routes: (router) => router.service(Test, echoHandlers(1)),
    ...options,
  });
}

describe("closing a configuration", () => {
  it.each([
    ["that return at once", () => Promise.resolve()],
    ["that wait for a turn", () => new Promise<void>((resolve) => setImmediate(resolve))],
    // Longer than the second that the client waits for the server's end of the stream.
    ["of which the first returns after the close", (closed: Promise<void>) => closed],
  ])("[J-04] loses none of 1,000 acknowledged one-way calls to handlers %s", async (_, handle) => {
    const closed = createGate();
    const arrived: number[] = [];
    await using server = await serve({
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(1),
          echoUnicast: async ({ delayMs }) => {
            arrived.push(delayMs);
            await handle(closed.opened);
          },
        }),
    });
    const configuration = await connect({ nodes: [server.address] });
    const client = createClient(Test, configuration.node(1));
    await Promise.all(Array.from({ length: 1_000 }, (_, at) => client.echoUnicast({ delayMs: at })));
    await configuration.close();
    closed.open();
    await eventually(() => arrived.length === 1_000, "the last of the calls", 10_000);
    expect(arrived).toEqual(Array.from({ length: 1_000 }, (_, at) => at));
  });

  it("[J-04] [J-23] does not cut off the handlers of what it has sent", async () => {
    const gate = createGate();
    const signals: AbortSignal[] = [];
    await using server = await serve({
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(1),
          echoUnicast: async (_, { signal }) => {
            signals.push(signal);
            await gate.opened;
          },
        }),
    });
    const configuration = await connect({ nodes: [server.address] });
    const client = createClient(Test, configuration.node(1));
    await Promise.all([client.echoUnicast({}), client.echoUnicast({})]);
    await configuration.close();
    gate.open();
    await eventually(() => signals.length === 2, "the second");
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
    await eventually(() => server.snapshot().streams.length === 0, "the stream to go");
  });

  it("ends within about a second whatever its servers do", async () => {
    await using silent = await openSilentListener();
    await using stopped = await openSilentListener({ greeting: http2Settings, stopped: true });
    const configuration = await connect({ nodes: [silent.address, stopped.address] });
    await eventually(() => configuration.node(2).connected, "the connection");
    const call = createClient(Test, configuration).echoMulticast({ data: new Uint8Array(1_000_000) });
    const failed = call.catch((error: unknown) => error);
    const began = performance.now();
    await configuration.close();
    expect(performance.now() - began).toBeLessThan(2_500);
    expect(await failed).toMatchObject({ reason: "SEND_FAILURE" });
  });
});

describe("closing a server", () => {
  it("[J-20] ends within its grace although the streams of its clients stay open", async () => {
    const gate = createGate();
    let running = 0;
    const server = await serve({
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(1),
          echoRPC: async () => {
            running += 1;
            await gate.opened;
            return {};
          },
        }),
    });
    const configuration = await connect({ nodes: [server.address] });
    const call = createClient(Test, configuration.node(1)).echoRPC({}, { resend: false });
    const lost = call.catch((error: unknown) => error);
    // The second does not read; neither answers the end of its stream.
    using idle = openRawClient(server.address, { "gorums-node-id": "0" });
    using open = openHttp2Client(server.address);
    open.stream.pause();
    await eventually(() => running === 1 && server.snapshot().streams.length === 3, "all streams");
    const began = performance.now();
    await server.close({ graceMs: 200 });
    // The grace, a second for the last bytes, and what a busy machine adds.
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(await lost).toMatchObject({ code: Code.Unavailable });
    expect(idle.status?.code).not.toBe(Code.Canceled);
    gate.open();
    await configuration.close();
  });

  it("[J-26] shows Unavailable, never Canceled, on both sides of a stream", async () => {
    const server = await serve({
      routes: (router) => router.service(Test, { ...echoHandlers(1), echoRPC: () => new Promise(() => {}) }),
    });
    const configuration = await connect({
      nodes: [server.address],
      routes: (router) =>
        router.service(Callback, { ...callbackHandlers(), ask: () => new Promise(() => {}) }),
      backoff: { minMs: 60_000, maxMs: 60_000 },
    });
    using foreign = openRawClient(server.address);
    await server.waitForClients(1);
    const client = createClient(Test, configuration.node(1));
    const calls = [
      ...[1, 2, 3].map(() => client.echoRPC({}, { resend: false })),
      ...server.clients.nodes.map((node) => createClient(Callback, node).ask({})),
    ];
    const outcomes = Promise.allSettled(calls);
    await eventually(() => configuration.node(1).pendingCalls === 3, "the calls");
    await server.close({ graceMs: 0 });
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: Code.Unavailable } });
    }
    await eventually(() => foreign.status !== undefined, "the end of the foreign stream");
    expect(foreign.status).toMatchObject({ code: Code.Unavailable });
    await configuration.close();
  });

  it("delivers the replies of the handlers that finish within the grace", async () => {
    const gate = createGate();
    let running = 0;
    const server = await serve({
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(1),
          echoRPC: async ({ value }, context) => {
            running += 1;
            context.release();
            await gate.opened;
            return { value };
          },
        }),
    });
    const configuration = await connect({ nodes: [server.address] });
    const client = createClient(Test, configuration.node(1));
    const calls = Array.from({ length: 100 }, (_, at) => client.echoRPC({ value: `${at}` }));
    await eventually(() => running === 100, "all handlers");
    const closed = server.close();
    gate.open();
    const replies = await Promise.all(calls);
    expect(replies.map(({ value }) => value)).toEqual(Array.from({ length: 100 }, (_, at) => `${at}`));
    await closed;
    await configuration.close();
  });
});
