import { Code, connect, createClient, createServer, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { openHttp2Server } from "./raw-peers.js";

checkLeaks();

const chunk = new Uint8Array(16 * 1024);
/** What HTTP/2 lets a sender write to a stream that nobody reads, in messages of that size, rounded up. */
const windowMessages = 4;

/** How promises stand, looked at from outside. */
function tally(promises: readonly Promise<unknown>[]) {
  const state = { resolved: 0, rejected: [] as QuorateError[] };
  for (const promise of promises) {
    promise.then(
      () => {
        state.resolved += 1;
      },
      (error: unknown) => state.rejected.push(QuorateError.from(error)),
    );
  }
  return state;
}

describe("a node that reads nothing", () => {
  it("[J-09] [W-10] fills the bounded queue of its own, and calls to others go on", async () => {
    await using silent = await openHttp2Server((stream) => stream.respond({ ":status": 200 }));
    await using lively = await createServer({
      address: "127.0.0.1:0",
      routes: (router) => router.service(Test, echoHandlers(2)),
    });
    await using configuration = await connect({
      nodes: { 1: silent.address, 2: lively.address },
      maxQueuedCalls: 20,
    });
    const [stuck, other] = [configuration.node(1), configuration.node(2)];
    await eventually(() => stuck.connected && other.connected, "both connections");

    const sent = Array.from({ length: 40 }, () =>
      createClient(Test, stuck).echoUnicast({ data: chunk }, { timeoutMs: 400 }),
    );
    const state = tally(sent);
    await expect(createClient(Test, other).echoRPC({ value: "on" })).resolves.toMatchObject({
      value: "echo: on",
    });
    await eventually(() => state.resolved + state.rejected.length === sent.length, "the end of all calls");
    const full = state.rejected.filter((error) => error.reason === "SEND_QUEUE_FULL");
    const expired = state.rejected.filter((error) => error.code === Code.DeadlineExceeded);
    // The one that is being written is ours to end, too: grpc-js never holds a second one.
    expect(state.resolved).toBeLessThanOrEqual(windowMessages);
    expect(full.length).toBe(sent.length - 21);
    expect(state.resolved + full.length + expired.length).toBe(sent.length);
    expect(stuck.pendingCalls).toBe(0);
    expect(stuck.connected).toBe(true);
  });

  it("[J-09] [W-10] does not hold up a quorum call that others can answer", async () => {
    await using silent = await openHttp2Server((stream) => stream.respond({ ":status": 200 }));
    await using lively = await createServer({
      address: "127.0.0.1:0",
      routes: (router) => router.service(Test, echoHandlers(2)),
    });
    await using configuration = await connect({ nodes: { 1: silent.address, 2: lively.address } });
    await eventually(() => configuration.nodes.every((node) => node.connected), "both connections");
    const stuck = tally([
      createClient(Test, configuration.node(1)).echoUnicast({ data: new Uint8Array(1_000_000) }),
    ]);
    const reply = createClient(Test, configuration).echoQC({ value: "both" }).first();
    await expect(reply).resolves.toMatchObject({ server: 2 });
    expect(stuck).toEqual({ resolved: 0, rejected: [] });
  });

  it("[J-09] holds no more than the flow-control window and one message in the transport", async () => {
    await using silent = await openHttp2Server((stream) => stream.respond({ ":status": 200 }));
    await using configuration = await connect({ nodes: [silent.address] });
    const node = configuration.node(1);
    await eventually(() => node.connected, "the connection");
    const signal = new AbortController();
    const state = tally(
      Array.from({ length: 50 }, () =>
        createClient(Test, node).echoUnicast({ data: chunk }, { signal: signal.signal }),
      ),
    );
    await eventually(() => state.resolved >= windowMessages - 1, "the messages that fit the window");
    // What was not taken by the transport was never sent, so a signal withdraws it.
    signal.abort();
    await eventually(() => state.resolved + state.rejected.length === 50, "the end of all calls");
    expect(state.resolved).toBeLessThanOrEqual(windowMessages);
    expect(new Set(state.rejected.map((error) => error.code))).toEqual(new Set([Code.Canceled]));

    let bytes = 0;
    silent.streams[0]?.on("data", (data: Buffer) => {
      bytes += data.length;
    });
    await createClient(Test, node).echoUnicast({ value: "last" });
    await eventually(() => bytes > 0, "reading");
    await configuration.close();
    expect(bytes).toBeLessThan((state.resolved + 2) * (chunk.length + 100));
  });

  it("[J-18] fails a call that is being written when the stream ends, not before", async () => {
    await using silent = await openHttp2Server((stream) => stream.respond({ ":status": 200 }));
    await using configuration = await connect({
      nodes: [silent.address],
      backoff: { minMs: 1 },
    });
    const node = configuration.node(1);
    await eventually(() => node.connected && silent.streams.length === 1, "the connection");
    const large = createClient(Test, node).echoUnicast({ data: new Uint8Array(1_000_000) });
    const behind = createClient(Test, node).echoUnicast({ value: "behind" }, { waitForReady: true });
    silent.streams[0]?.session?.destroy();
    await expect(large).rejects.toMatchObject({ code: Code.Unavailable, reason: "STREAM_LOST" });
    // It was never given to the transport, so it waits for the next stream.
    await eventually(() => silent.streams.length === 2, "the next stream");
    silent.streams[1]?.resume();
    await expect(behind).resolves.toBeUndefined();
  });
});
