import {
  Code,
  type Connection,
  connect,
  createClient,
  createServer,
  type HandlerContext,
  type QuorateEvent,
  type ServerOptions,
} from "quorate";
import { createLocalCluster, createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { createAuthority, issueReplica } from "../helpers/certificates.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { openReplicas } from "./open-replicas.js";

checkLeaks();

const authority = createAuthority();
const { ca } = authority;
const tls = issueReplica(authority, 1);
const client = authority.issue({ commonName: "a client", names: ["DNS:client.example"] });

/** A server that keeps the connections that its handlers see. */
async function serve(options: Partial<ServerOptions>) {
  const seen: Connection[] = [];
  const server = await createServer({
    address: "127.0.0.1:0",
    routes: (router) =>
      router.service(Test, {
        ...echoHandlers(1),
        echoRPC: ({ value }, { connection }: HandlerContext) => {
          seen.push(connection);
          return { value: `echo: ${value}` };
        },
      }),
    ...options,
  });
  return { server, seen, [Symbol.asyncDispose]: () => server.close({ graceMs: 0 }) };
}

describe("calls over TLS", () => {
  it("[TL-01] reach a server whose certificate is for 127.0.0.1, and its handler sees TLS", async () => {
    await using one = await serve({ tls });
    await using configuration = await connect({ nodes: [one.server.address], tls: { ca } });
    const reply = await createClient(Test, configuration.node(1)).echoRPC({ value: "hello" });
    expect(reply.value).toBe("echo: hello");
    // The client has shown no certificate.
    expect(one.seen).toMatchObject([{ tls: { certificate: undefined }, identity: { nodeId: undefined } }]);
  });

  it("are plain text without the option, and the handler sees that", async () => {
    await using one = await serve({});
    await using configuration = await connect({ nodes: [one.server.address] });
    await createClient(Test, configuration.node(1)).echoRPC({});
    expect(one.seen).toHaveLength(1);
    expect(one.seen[0]?.tls).toBeUndefined();
  });

  it("tell the handler the certificate of a client that has one, and onConnect before", async () => {
    const connected: Connection[] = [];
    await using one = await serve({
      tls: { ...tls, ca, clientCertificates: "required" },
      onConnect: (connection) => connected.push(connection),
    });
    await using configuration = await connect({ nodes: [one.server.address], tls: { ca, ...client } });
    await createClient(Test, configuration.node(1)).echoRPC({});
    expect(one.seen).toEqual(connected);
    expect(one.seen).toMatchObject([
      {
        tls: { certificate: { commonName: "a client", dnsNames: ["client.example"] } },
        identity: { nodeId: undefined, name: "client.example" },
      },
    ]);
  });

  it("come back from the server, and the client's handler sees whose certificate that has", async () => {
    const seen: Connection[] = [];
    await using one = await serve({ tls });
    await using configuration = await connect({
      nodes: { 7: one.server.address },
      tls: { ca },
      routes: (router) =>
        router.service(Callback, {
          ...callbackHandlers(),
          ask: ({ value }, { connection }) => {
            seen.push(connection);
            return { value: `asked: ${value}` };
          },
        }),
    });
    await one.server.waitForClients(1);
    const [asked] = one.server.clients.nodes;
    if (asked === undefined) throw new Error("no client");
    expect((await createClient(Callback, asked).ask({ value: "you" })).value).toBe("asked: you");
    expect(seen).toMatchObject([
      { identity: { nodeId: 7 }, tls: { certificate: { uris: ["quorate://node/1"] } } },
    ]);
    expect(configuration.ids).toEqual([7]);
  });

  it("go on after the server was started again, with a new certificate", async () => {
    const first = await serve({ tls });
    const { address } = first.server;
    await using configuration = await connect({
      nodes: [address],
      tls: { ca },
      backoff: { minMs: 1, maxMs: 20 },
    });
    const test = createClient(Test, configuration.node(1));
    await test.echoRPC({});
    await first.server.close({ graceMs: 0 });
    await using second = await serve({ address, tls: issueReplica(authority, 1) });
    expect((await test.echoRPC({ value: "again" }, { waitForReady: true })).value).toBe("echo: again");
    expect(second.server.address).toBe(address);
  });
});

describe("a handshake that fails", () => {
  it.each([
    ["for the certificate of the server", { ca: createAuthority("a stranger").ca, ...client }, /self-signed/],
    ["for that of the client", { ca }, /certificate required/],
  ])("%s is told with Unavailable, and tried again", async (_, options, text) => {
    const events: QuorateEvent[] = [];
    await using one = await serve({ tls: { ...tls, ca, clientCertificates: "required" } });
    await using configuration = await connect({
      nodes: [one.server.address],
      tls: options,
      backoff: { minMs: 1, maxMs: 5 },
      onEvent: (event) => events.push(event),
    });
    await eventually(() => events.filter(({ kind }) => kind === "connectFailed").length >= 3, "attempts");
    const error = await rejectionOf(createClient(Test, configuration.node(1)).echoRPC({}));
    expect(error).toMatchObject({ code: Code.Unavailable, reason: "NOT_CONNECTED" });
    expect(error.message).toMatch(/the TLS handshake with 127\.0\.0\.1:\d+ failed: /);
    expect(error.message).toMatch(text);
    expect(one.server.snapshot().streams).toEqual([]);
  });
});

describe("replicas over mutual TLS", () => {
  const mutual = (id: number): ServerOptions => ({
    tls: { ...issueReplica(authority, id), ca, clientCertificates: "required" },
  });

  it("find each other, call each other, and know who calls", async () => {
    const seen: Connection[] = [];
    await using replicas = await openReplicas(3, (id) => ({
      ...mutual(id),
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(id),
          echoQC: (_, { connection }) => {
            if (id !== 1) seen.push(connection);
            return { server: id };
          },
        }),
    }));
    for (const id of [1, 2, 3]) await replicas.server(id).waitForPeers(3);
    const { configuration, peers } = replicas.server(1);
    const sum = (replies: readonly { server: number }[]) =>
      replies.reduce((total, { server }) => total + server, 0);
    expect(await createClient(Test, configuration).echoQC({}).all(sum)).toBe(6);
    // On the streams that we dialled, and on those that they dialled: both ends know whose they are.
    expect(await createClient(Test, peers).echoQC({}).all(sum)).toBe(6);
    expect(seen).toHaveLength(4);
    for (const { identity, tls: seenTls } of seen) {
      expect(identity.nodeId).toBe(1);
      expect(seenTls?.certificate?.uris).toEqual(["quorate://node/1"]);
    }
  });
});

describe("the tls option", () => {
  it.each<[string, object, RegExp]>([
    ["that is not valid", { ca: "no PEM" }, /^quorate: tls\.ca holds no certificate/],
    ["of a server", { ...tls, clientCertificates: "none" }, /^quorate: tls\.clientCertificates is no option/],
  ])("%s is refused by connect", async (_, option, text) => {
    const error = await rejectionOf(connect({ nodes: ["127.0.0.1:1"], tls: option }));
    expect(error).toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringMatching(text) as string,
    });
  });

  it("that is not valid is refused by createServer, which does not listen", async () => {
    const options = { tls: { ...tls, key: client.key }, address: "127.0.0.1:0" };
    const error = await rejectionOf(createServer(options));
    expect(error.message).toMatch(/^quorate: tls\.key is not the key/);
  });

  it("is refused within the process, where there is no TLS", async () => {
    const refusal = {
      code: Code.InvalidArgument,
      message: expect.stringMatching(/^quorate: tls /) as string,
    };
    expect(await rejectionOf(createLocalCluster(1, { tls }))).toMatchObject(refusal);
    const transport = createMemoryTransport();
    expect(await rejectionOf(connect({ nodes: ["127.0.0.1:1"], transport, tls: { ca } }))).toMatchObject(
      refusal,
    );
  });

  it("is taken by a cluster on loopback", async () => {
    const names = ["IP:127.0.0.1", "URI:quorate://node/1", "URI:quorate://node/2"];
    const both = { ...authority.issue({ names }), ca };
    await using cluster = await createLocalCluster(2, {
      transport: "loopback",
      tls: { ...both, clientCertificates: "required" },
      routes: (router, id) => router.service(Test, echoHandlers(id)),
    });
    const configuration = await cluster.connect({ tls: both });
    expect((await createClient(Test, configuration).echoQC({ value: "x" }).all()).value).toBe("echo: x");
  });
});
