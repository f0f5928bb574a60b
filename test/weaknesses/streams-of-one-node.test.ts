import { Code, createClient, createServer, type QuorateEvent, type ServerOptions } from "quorate";
import { describe, expect, it } from "vitest";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { openRawClient, type RawClient } from "../transport/raw-peers.js";
import { ask, echoRPC, replyPayload, replyValue, requestPayload } from "./echo-envelopes.js";

checkLeaks();

const quorateFeatures = { "quorate-features": "deadline,cancel" };

/** Server 1 of two, whose rpcs are answered when the test says so; its peer is played by hand. */
async function openServer(options: Partial<ServerOptions> = {}) {
  const answers = new Map<string, () => void>();
  const events: QuorateEvent[] = [];
  const server = await createServer({
    address: "127.0.0.1:0",
    nodeId: 1,
    // Ports that need privileges, so that nobody listens there.
    nodes: { 1: "127.0.0.1:1", 2: "127.0.0.1:2" },
    backoff: { minMs: 60_000, maxMs: 60_000 },
    onEvent: (event) => events.push(event),
    routes: (router) =>
      router.service(Test, {
        ...echoHandlers(1),
        echoRPC: ({ value }) =>
          new Promise((resolve) => answers.set(value, () => resolve({ value: `echo: ${value}` }))),
      }),
    ...options,
  });
  const peer = (headers: Record<string, string> = {}): RawClient => {
    const client = openRawClient(server.address, { "gorums-node-id": "2", ...headers });
    client.read();
    return client;
  };
  /** The handler of this request returns, once it has been called. */
  const answer = async (value: string) => {
    await eventually(() => answers.has(value), `the request ${value}`);
    answers.get(value)?.();
  };
  const replaced = () => eventually(() => events.some(({ kind }) => kind === "streamReplaced"));
  return {
    server,
    events,
    peer,
    answer,
    replaced,
    [Symbol.asyncDispose]: () => server.close({ graceMs: 0 }),
  };
}

describe("two streams of one node id", () => {
  it("[W-01] each get the answers to their own requests, though they number them alike", async () => {
    await using one = await openServer();
    using older = one.peer();
    await one.server.waitForPeers(2);
    older.send({ number: 1, method: echoRPC, payload: requestPayload("older") });
    using newer = one.peer();
    await one.replaced();
    newer.send({ number: 1, method: echoRPC, payload: requestPayload("newer") });
    await one.answer("older");
    await eventually(() => older.received.length === 1, "the answer on the older stream");
    expect(newer.received).toEqual([]);
    await one.answer("newer");
    await eventually(() => newer.received.length === 1, "the answer on the newer stream");
    expect([older, newer].map(({ received }) => received.map(replyValue))).toEqual([
      ["echo: older"],
      ["echo: newer"],
    ]);
  });

  it("[W-01] of which the older was ended: its answers are dropped, and the newer one gets its own", async () => {
    await using one = await openServer();
    using older = one.peer(quorateFeatures);
    await one.server.waitForPeers(2);
    older.send({ number: 1, method: echoRPC, payload: requestPayload("older") });
    await eventually(() => one.server.snapshot().streams[0]?.requests === 1, "the request");
    using newer = one.peer(quorateFeatures);
    await one.replaced();
    newer.send({ number: 1, method: echoRPC, payload: requestPayload("newer") });
    await one.answer("older");
    await one.answer("newer");
    await eventually(() => newer.received.length > 0, "the answer on the newer stream");
    expect(newer.received.map(replyValue)).toEqual(["echo: newer"]);
    await eventually(() => older.status !== undefined, "the end of the older stream");
    expect(older.status).toMatchObject({ code: Code.AlreadyExists });
    expect(older.received).toEqual([]);
  });

  it("[W-01] cannot answer each other's calls", async () => {
    await using one = await openServer();
    using older = one.peer();
    await one.server.waitForPeers(2);
    using newer = one.peer();
    await one.replaced();
    const reply = createClient(Callback, one.server.peers.node(2)).ask({ value: "who" });
    await eventually(() => newer.received.length === 1, "the call");
    const { number } = decodeEnvelope(newer.received[0] ?? Buffer.alloc(0));
    older.send({ number, serverInitiated: true, method: ask, payload: replyPayload("the older one") });
    await eventually(() => one.events.some(({ kind }) => kind === "lateReply"), "the stray reply");
    newer.send({ number, serverInitiated: true, method: ask, payload: replyPayload("the newer one") });
    await expect(reply).resolves.toMatchObject({ value: "the newer one" });
    expect(older.received).toEqual([]);
  });
});

describe("a stream that claims the id of somebody who is there", () => {
  it.each([
    ["the server itself", "1"],
    ["a dynamic client", "1048576"],
    ["a dynamic client, in other figures", "0001048576"],
    ["a dynamic client, in hexadecimal", "0x100000"],
  ])("[W-02] does not take the place of %s, neither while it is open nor afterwards", async (_, claim) => {
    await using one = await openServer();
    using client = one.peer({ "gorums-node-id": "0" });
    await one.server.waitForClients(1);
    expect(one.server.clients.ids).toEqual([1_048_576]);
    const check = async () => {
      const seen = client.received.length;
      const asked = createClient(Callback, one.server.clients).askAll({ value: "there?" }).all();
      await eventually(() => client.received.length > seen, "the call to the client");
      const call = decodeEnvelope(client.received.at(-1) ?? Buffer.alloc(0));
      client.send({ ...call, payload: replyPayload("the real one") });
      await expect(asked).resolves.toMatchObject({ value: "the real one" });
      const self = createClient(Test, one.server.peers).echoQC({ value: "self" }).all();
      await expect(self).resolves.toMatchObject({ value: "echo: self", server: 1 });
      expect([one.server.peers.ids, one.server.clients.ids]).toEqual([[1], [1_048_576]]);
    };
    {
      using impostor = one.peer({ "gorums-node-id": claim });
      await eventually(() => one.server.snapshot().streams.length === 2, "the impostor's stream");
      impostor.send({ number: 1, method: echoRPC, payload: requestPayload("let me in") });
      await eventually(() => impostor.received.length === 1, "the refusal");
      const { status } = decodeEnvelope(impostor.received[0] ?? Buffer.alloc(0));
      expect([Code.PermissionDenied, Code.InvalidArgument]).toContain(status?.code);
      await check();
      expect(impostor.received).toHaveLength(1);
    }
    await eventually(() => one.server.snapshot().streams.length === 1, "the impostor to go");
    await check();
  });
});
