import { create } from "@bufbuild/protobuf";
import { Code, connect, createClient, QuorateError } from "quorate";
import { createLocalCluster, createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { encodeBody, encodeEnvelope } from "../../internal/wire/encode-envelope.js";
import { statusFromError } from "../../internal/wire/status.js";
import { connected } from "../conformance/stages.js";
import { type EchoRequest, EchoRequestSchema, EchoResponseSchema } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { RawServer } from "../helpers/raw-server.js";
import { echoHandlers } from "../helpers/test-service.js";
import { RawPeer } from "../server/raw-peer.js";
import { rejectionOf } from "./held-cluster.js";

checkLeaks();

async function rawServers(count: number) {
  const transport = createMemoryTransport();
  const servers: RawServer[] = [];
  for (let at = 0; at < count; at++) servers.push(await RawServer.listen(transport));
  const client = await connected(connect({ nodes: servers.map(({ address }) => address), transport }));
  return { servers, client, [Symbol.asyncDispose]: () => client.close() };
}

describe("a call to several nodes", () => {
  it("[QC-12] encodes its request once, and sends all the same bytes under one number", async () => {
    await using raw = await rawServers(3);
    let reads = 0;
    const request = {
      get value() {
        reads += 1;
        return "once";
      },
    };
    const one = createClient(Test, raw.client.node(1)).echoUnicast(request);
    const readsOfOne = reads;
    const responses = createClient(Test, raw.client).echoQC(request);
    expect(readsOfOne).toBeGreaterThan(0);
    expect(reads).toBe(2 * readsOfOne);
    await one;
    await eventually(() => raw.servers.every(({ received }) => received.length >= 1));
    const sent = raw.servers.map(({ received }) => received.at(-1));
    expect(new Set(sent.map((bytes) => Buffer.from(bytes ?? []).toString("hex"))).size).toBe(1);
    const [number] = raw.servers.map(({ requests }) => requests.at(-1)?.number);
    expect(number).toBeGreaterThan(raw.servers[0]?.requests[0]?.number ?? Number.POSITIVE_INFINITY);
    const body = encodeBody({ method: "test.v1.Test.EchoQC", payload: Uint8Array.of(10, 1, 120) });
    await Promise.all(raw.servers.map((server) => server.write(encodeEnvelope(number ?? 0, false, body))));
    expect((await responses.all()).value).toBe("x");
  });
});

describe("an empty payload", () => {
  it("[SI-11] is the default message, as a request and as a reply", async () => {
    await using raw = await rawServers(1);
    const [server] = raw.servers;
    const call = createClient(Test, raw.client.node(1)).echoRPC({});
    await eventually(() => server?.received.length === 1);
    // The default message is encoded as nothing.
    expect(server?.requests[0]?.payload).toHaveLength(0);
    const body = encodeBody({ method: "test.v1.Test.EchoRPC" });
    await server?.write(encodeEnvelope(server.requests[0]?.number ?? 0, false, body));
    expect(await call).toEqual(create(EchoResponseSchema));
    const seen: EchoRequest[] = [];
    await using cluster = await createLocalCluster(1, {
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoRPC: (request) => ({ server: seen.push(request) - 1 }),
        }),
    });
    await using peer = await RawPeer.dial(cluster.nodes[1] ?? "", {}, cluster.network);
    await peer.request(1, "test.v1.Test.EchoRPC");
    expect((await peer.reply(1)).payload).toHaveLength(0);
    expect(seen).toEqual([create(EchoRequestSchema)]);
  });
});

describe("a reply", () => {
  it("[SI-06] [F-11] with a status and a payload is the error alone", async () => {
    await using raw = await rawServers(1);
    const [server] = raw.servers;
    const call = createClient(Test, raw.client.node(1)).echoRPC({});
    await eventually(() => server?.received.length === 1);
    const status = statusFromError(new QuorateError(Code.Aborted, "changed meanwhile"));
    const method = "test.v1.Test.EchoRPC";
    const body = encodeBody({ method, status, payload: Uint8Array.of(10, 1, 120) });
    await server?.write(encodeEnvelope(server.requests[0]?.number ?? 0, false, body));
    expect(await rejectionOf(call)).toMatchObject({ code: Code.Aborted, message: "changed meanwhile" });
  });
});
