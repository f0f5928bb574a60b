import {
  Code,
  connect,
  createClient,
  createServer,
  type HandlerContext,
  QuorumCallError,
  type ServerOptions,
} from "quorate";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { createGate } from "../transport/gate.js";
import { openRawClient } from "../transport/raw-peers.js";
import { echoRPC } from "./echo-envelopes.js";
import { openFreezableRoute } from "./freezable-route.js";

checkLeaks();

const patient = { timeoutMs: Number.POSITIVE_INFINITY };

/** A server whose rpcs do not return before the gate is opened, whatever becomes of their callers. */
async function openBusyServer(options: Partial<ServerOptions> = {}) {
  const gate = createGate();
  const contexts: HandlerContext[] = [];
  const server = await createServer({
    address: "127.0.0.1:0",
    routes: (router) =>
      router.service(Test, {
        ...echoHandlers(1),
        echoRPC: async (_, context) => {
          contexts.push(context);
          await gate.opened;
          return {};
        },
      }),
    ...options,
  });
  return {
    server,
    contexts,
    /** The signal of the request at this place, once it runs. */
    signal: async (at = 0): Promise<AbortSignal> => {
      await eventually(() => contexts.length > at, "the request");
      const context = contexts[at];
      if (context === undefined) throw new Error("unreachable");
      return context.signal;
    },
    [Symbol.asyncDispose]: () => {
      gate.open();
      return server.close({ graceMs: 0 });
    },
  };
}

describe("calls to a node that is gone", () => {
  const nodes = { 1: "127.0.0.1:1", 2: "127.0.0.1:2" };
  const backoff = { minMs: 60_000, maxMs: 60_000 };

  it.each([
    ["a known peer", "2", "NOT_CONNECTED"],
    ["a dynamic client", "0", "STREAM_LOST"],
  ])("[W-14] which was %s, fail at once, in a configuration of before", async (_, claim, reason) => {
    await using one = await openBusyServer({ nodeId: 1, nodes, backoff });
    const { server } = one;
    const current = () => (claim === "0" ? server.clients : server.peers.without(1));
    using peer = openRawClient(server.address, { "gorums-node-id": claim });
    peer.read();
    await eventually(() => current().size === 1, "the peer");
    const before = current();
    const [node] = before.nodes;
    if (node === undefined) throw new Error("no node");
    peer.stream.cancel();
    await eventually(() => current().size === 0, "its end");
    const gone = { code: Code.Unavailable, reason };
    const oneCalls = createClient(Callback, node);
    const allCalls = createClient(Callback, before);
    for (const call of [() => oneCalls.ask({}, patient), () => oneCalls.notifyOne({}, patient)]) {
      expect(await rejectionOf<unknown>(call())).toMatchObject(gone);
    }
    for (const call of [() => allCalls.askAll({}, patient).all(), () => allCalls.notify({}, patient)]) {
      const error = await rejectionOf<unknown>(call());
      if (!(error instanceof QuorumCallError)) throw error;
      expect([...error.nodeErrors]).toMatchObject([[node.id, gone]]);
    }
    expect(peer.received).toEqual([]);
  });

  it("[W-14] because its configuration was closed, fail at once", async () => {
    await using one = await openBusyServer();
    const configuration = await connected(connect({ nodes: [one.server.address] }));
    await configuration.close();
    const calls = createClient(Test, configuration.node(1));
    for (const call of [
      () => calls.echoRPC({}, patient),
      () => calls.echoUnicast({}, { ...patient, waitForReady: true }),
    ]) {
      expect(await rejectionOf<unknown>(call())).toMatchObject({ code: Code.Unavailable, reason: "CLOSED" });
    }
  });
});

describe("a handler that works for a caller", () => {
  it.each<[string, object, (abort: () => void) => void, Code]>([
    ["whose deadline passes", { timeoutMs: 1_000 }, () => {}, Code.DeadlineExceeded],
    ["who gives up", patient, (abort) => abort(), Code.Canceled],
  ])("[W-16] %s is told", async (_, options, giveUp, code) => {
    await using one = await openBusyServer();
    await using configuration = await connected(connect({ nodes: [one.server.address] }));
    const client = createClient(Test, configuration.node(1));
    // What it offers is known with its headers; a first answer comes behind them.
    await createClient(Test, configuration).echoQC({}).all();
    const controller = new AbortController();
    const call = rejectionOf(client.echoRPC({}, { ...options, signal: controller.signal }));
    const signal = await one.signal();
    expect(signal.aborted).toBe(false);
    giveUp(() => controller.abort());
    await eventually(() => signal.aborted, "the end of the signal");
    expect(signal.reason).toMatchObject({ code });
    expect((await call).code).toBe(code);
    expect(configuration.node(1).connected).toBe(true);
  });

  it("[W-16] to whom the route is lost is told, long before TCP gives up", async () => {
    await using one = await openBusyServer({ acceptedKeepaliveMs: 200, keepaliveTimeoutMs: 400 });
    await using route = await openFreezableRoute(one.server.address);
    await using configuration = await connected(connect({ nodes: [route.address], routes: () => {} }));
    const call = createClient(Test, configuration.node(1)).echoRPC({}, patient);
    const failed = rejectionOf(call);
    const signal = await one.signal();
    await one.server.waitForClients(1);
    route.freeze();
    await eventually(() => signal.aborted, "the end of the signal");
    expect(signal.reason).toMatchObject({ code: Code.Canceled });
    expect(one.server.clients.size).toBe(0);
    await configuration.close({ graceMs: 0 });
    expect(await failed).toMatchObject({ reason: "CLOSED" });
  });

  it.each(["a plain client", "a dynamic client", "a known peer"])(
    "[W-18] is told at once when %s goes, which leaves the configurations though it never returns",
    async (kind) => {
      const nodes = { 1: "127.0.0.1:1", 2: "127.0.0.1:2" };
      await using one = await openBusyServer({ nodeId: 1, nodes, backoff: { minMs: 60_000, maxMs: 60_000 } });
      const { server } = one;
      const claims = { "a dynamic client": "0", "a known peer": "2" };
      const claim = claims[kind as keyof typeof claims];
      using peer = openRawClient(server.address, claim === undefined ? {} : { "gorums-node-id": claim });
      peer.read();
      // The second waits behind the first, which does not release.
      for (const number of [1, 2]) peer.send({ number, method: echoRPC });
      const signal = await one.signal();
      await eventually(() => server.snapshot().streams[0]?.requests === 2, "both requests");
      const calls = [...server.clients.nodes, ...server.peers.without(1).nodes].map((node) =>
        rejectionOf(createClient(Callback, node).ask({}, patient)),
      );
      expect(calls).toHaveLength(claim === undefined ? 0 : 1);
      peer.stream.cancel();
      await eventually(() => signal.aborted, "the end of the signal");
      expect(signal.reason).toMatchObject({ code: Code.Canceled });
      for (const call of calls)
        expect(await call).toMatchObject({ code: Code.Unavailable, reason: "STREAM_LOST" });
      expect([server.peers.ids, server.clients.ids, server.snapshot().streams]).toEqual([[1], [], []]);
      // The handler has not returned, and what waited behind it was not run.
      expect(one.contexts).toHaveLength(1);
    },
  );
});
