import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { connect, createClient, type Router } from "quorate";
import { createLocalCluster, createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { encodeBody, encodeEnvelope } from "../../internal/wire/encode-envelope.js";
import { isSettled } from "../calls/held-cluster.js";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { EchoRequestSchema, EchoResponseSchema } from "../gen/test/v1/test_pb.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { RawServer } from "../helpers/raw-server.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { features, RawPeer } from "./raw-peer.js";

checkLeaks();

const ask = "test.v1.Callback.Ask";
const request = toBinary(EchoRequestSchema, create(EchoRequestSchema, { value: "x" }));
const reply = toBinary(EchoResponseSchema, create(EchoResponseSchema, { value: "asked: x" }));

describe.each(transports)("calls of a server, on %s", (transport) => {
  it("[SV-01] reach the peer that connected as node 2, on the stream that it opened", async () => {
    await using cluster = await createLocalCluster(2, {
      transport,
      routes: (router) => router.service(Test, echoHandlers()),
    });
    const server = serverAt(cluster, 1);
    const answer = await createClient(Test, server.peers.node(2)).echoRPC({ value: "hello" });
    expect(answer.value).toBe("echo: hello");
    expect(server.snapshot().streams.map(({ nodeId }) => nodeId)).toEqual([2]);
  });

  it("[SV-02] reach every client once when one of them has a handler multicast to all", async () => {
    const notified: string[] = [];
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoMulticast: ({ value }, { clients }) => createClient(Callback, clients).notify({ text: value }),
        }),
    });
    const [one] = [1, 2].map((client) =>
      cluster.connect({
        routes: (router) =>
          router.service(Callback, {
            ...callbackHandlers(),
            notify: ({ text }) => notified.push(`${text} at ${client}`),
          }),
      }),
    );
    await serverAt(cluster, 1).waitForClients(2);
    const test = createClient(Test, (await one) ?? serverAt(cluster, 1).clients);
    await test.echoMulticast({ value: "all" });
    await eventually(() => notified.length >= 2);
    // A call later nothing more has come.
    await createClient(Callback, serverAt(cluster, 1).clients).askAll({}).all();
    expect(notified.sort()).toEqual(["all at 1", "all at 2"]);
  });

  it("[SV-04] have numbers of their own: a request of the client with the same number is another call", async () => {
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) => router.service(Test, echoHandlers()),
    });
    const server = serverAt(cluster, 1);
    const network = transport === "memory" ? cluster.network : undefined;
    await using peer = await RawPeer.dial(server.address, { "gorums-node-id": "0", ...features }, network);
    await server.waitForClients(1);
    const calls = [1, 2, 3].map(() => createClient(Callback, server.clients).askAll({ value: "x" }).first());
    await eventually(() => peer.received.length === 3);
    expect(peer.received.map(({ serverInitiated }) => serverInitiated)).toEqual([true, true, true]);
    const number = peer.received[0]?.number ?? 0;
    await peer.request(number, "test.v1.Test.EchoRPC", request);
    const { payload } = await peer.reply(number);
    expect(fromBinary(EchoResponseSchema, payload).value).toBe("echo: x");
    for (const call of calls) expect(await isSettled(call)).toBe(false);
    for (let at = 0; at < 3; at++) await peer.answerCall(reply);
    expect((await Promise.all(calls)).map(({ value }) => value)).toEqual(Array(3).fill("asked: x"));
  });
});

describe("a client that its server calls", () => {
  /** Has the server call by hand, as whichever method, under number 7 with the high bit. */
  async function called(callable: boolean, method: string) {
    const transport = createMemoryTransport();
    const server = await RawServer.listen(transport);
    const callbacks = { routes: (router: Router) => router.service(Callback, callbackHandlers()) };
    const options = callable ? callbacks : {};
    const client = await connected(connect({ nodes: [server.address], transport, ...options }));
    await server.write(encodeEnvelope(7, true, encodeBody({ method, payload: request })));
    return { client, server, [Symbol.asyncDispose]: () => client.close() };
  }

  it("[SV-05] answers under the number of the request, its high bit kept", async () => {
    await using one = await called(true, ask);
    await eventually(() => one.server.received.length === 1);
    expect(one.server.requests).toMatchObject([{ number: 7, serverInitiated: true, method: ask }]);
    expect(one.server.requests[0]?.payload).toEqual(reply);
    expect(one.server.requests[0]?.status).toBeUndefined();
  });

  it.each([
    ["a method that it does not serve", true, "test.v1.Callback.Other"],
    ["any, where it serves nothing at all: its caller is not left waiting", false, ask],
  ])("[J-13] answers Unimplemented to %s", async (_, callable, method) => {
    await using one = await called(callable, method);
    await eventually(() => one.server.received.length === 1);
    const status = { code: 12, message: `no handler registered for method ${method}` };
    expect(one.server.requests).toMatchObject([{ number: 7, serverInitiated: true, method, status }]);
  });
});
