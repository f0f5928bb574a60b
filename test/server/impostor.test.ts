import { Code, createClient, createServer, type QuorateEvent, type ServerOptions } from "quorate";
import { describe, expect, it } from "vitest";
import { readTls } from "../../internal/transport/tls-options.js";
import { rejectionOf } from "../calls/held-cluster.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { createAuthority, issueReplica, type KeyAndCertificate } from "../helpers/certificates.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { openReplicas } from "./open-replicas.js";
import { features, RawPeer } from "./raw-peer.js";

checkLeaks();

const authority = createAuthority();
const { ca } = authority;
const two = issueReplica(authority, 2);
const withoutId = authority.issue({ names: ["URI:spiffe://example/client"] });
const echo = "test.v1.Test.EchoRPC";

/** Replicas 1 and 3 of mutual TLS; somebody has the certificate of replica 2. */
async function openCluster() {
  const changes: (readonly number[])[] = [];
  const connected: (number | undefined)[] = [];
  const events: QuorateEvent[] = [];
  const replicas = await openReplicas(3, (id): ServerOptions => {
    const tls = { ...issueReplica(authority, id), ca, clientCertificates: "required" } as const;
    if (id !== 3) return { tls };
    return {
      tls,
      onPeersChange: ({ ids }) => changes.push(ids),
      onConnect: ({ identity }) => connected.push(identity.nodeId),
      onEvent: (event) => events.push(event),
    };
  });
  await replicas.server(2).close({ graceMs: 0 });
  const server = replicas.server(3);
  await server.waitForPeers(({ ids }) => ids.join() === "1,3");
  const before = { changes: [...changes], connected: [...connected] };
  const askOne = () => createClient(Test, server.peers.node(1)).echoRPC({});
  const streamOfOne = () => server.snapshot().streams.find(({ nodeId }) => nodeId === 1);
  const dial = (certificate: KeyAndCertificate, headers: Record<string, string>) =>
    RawPeer.dial(server.address, headers, undefined, readTls({ ca, ...certificate }, "client"));
  return {
    ...replicas,
    server,
    askOne,
    dial,
    /** That nobody has noticed anything: nobody came or left, nothing was replaced, and peer 1 still answers. */
    expectUndisturbed: async (stream: ReturnType<typeof streamOfOne>) => {
      expect(server.peers.ids).toEqual([1, 3]);
      expect({ changes, connected }).toEqual(before);
      expect(events.filter(({ kind }) => kind === "streamReplaced")).toEqual([]);
      expect(streamOfOne()).toMatchObject({ connectionId: stream?.connectionId, refused: false });
      expect((await askOne()).server).toBe(1);
    },
    streamOfOne,
    events,
  };
}

/** A quorate peer learns why by the end of its stream. */
async function byItsEnd(peer: RawPeer) {
  return peer.ended();
}

/** Any other learns it by what its requests get. */
async function byAnAnswer(peer: RawPeer) {
  await peer.request(1, echo);
  return (await peer.reply(1)).status;
}

/** Calls one after the other until it is stopped, which resolves with the ids of the servers that answered. */
function callOn(call: () => Promise<{ readonly server: number }>) {
  const answered: number[] = [];
  const stopping = new AbortController();
  const calling = (async () => {
    while (!stopping.signal.aborted) answered.push((await call()).server);
  })();
  return {
    stop: async (): Promise<ReadonlySet<number>> => {
      // One more, behind all that has happened.
      const before = answered.length;
      await Promise.race([calling, eventually(() => answered.length > before + 1, "more answers")]);
      stopping.abort();
      await calling;
      return new Set(answered);
    },
  };
}

describe("an impostor with a valid certificate of another node", () => {
  it.each([
    ["quorate, with the certificate of node 2", two, features, byItsEnd],
    ["quorate, with a certificate of no node", withoutId, features, byItsEnd],
    ["not quorate, with the certificate of node 2", two, {}, byAnAnswer],
    ["not quorate, with a certificate of no node", withoutId, {}, byAnAnswer],
  ])("[W-02] that is %s is refused, and the real peer is not disturbed", async (...row) => {
    const [, certificate, offer, statusOf] = row;
    await using cluster = await openCluster();
    const stream = cluster.streamOfOne();
    const calls = callOn(cluster.askOne);
    for (let attempt = 1; attempt <= 5; attempt++) {
      await using impostor = await cluster.dial(certificate, { "gorums-node-id": "1", ...offer });
      expect(await statusOf(impostor)).toMatchObject({
        code: Code.PermissionDenied,
        message: "quorate: this peer may not be node 1",
      });
      // No call of the server has gone astray.
      expect(impostor.received.filter(({ serverInitiated }) => serverInitiated)).toEqual([]);
    }
    expect(await calls.stop()).toEqual(new Set([1]));
    await cluster.expectUndisturbed(stream);
    expect(cluster.events.filter(({ kind }) => kind === "streamRefused")).toHaveLength(5);
    const tracked = cluster.server.snapshot().streams.filter(({ nodeId }) => nodeId !== undefined);
    expect(tracked).toHaveLength(1);
  });

  it("[W-02] that is a replica sees why: its calls fail with PermissionDenied", async () => {
    await using cluster = await openCluster();
    const stream = cluster.streamOfOne();
    await using impostor = await createServer({
      address: "127.0.0.1:0",
      nodes: cluster.nodes,
      nodeId: 1,
      tls: { ...two, ca, clientCertificates: "required" },
      routes: (router) => router.service(Test, echoHandlers(666)),
    });
    const error = await rejectionOf(createClient(Test, impostor.configuration.node(3)).echoRPC({}));
    expect(error).toMatchObject({
      code: Code.PermissionDenied,
      message: "quorate: this peer may not be node 1",
    });
    // It goes on to fail at once, with the true status.
    await eventually(() => !impostor.configuration.node(3).connected, "the end of the stream");
    expect(await rejectionOf(createClient(Test, impostor.configuration.node(3)).echoRPC({}))).toMatchObject({
      code: Code.PermissionDenied,
    });
    await cluster.expectUndisturbed(stream);
  });

  it("is let in as the node that it is, and as a client", async () => {
    await using cluster = await openCluster();
    await using client = await cluster.dial(two, features);
    await client.request(1, echo);
    expect((await client.reply(1)).status).toBeUndefined();
    await using peer = await cluster.dial(two, { "gorums-node-id": "2", ...features });
    await cluster.server.waitForPeers(3);
    const call = createClient(Test, cluster.server.peers.node(2)).echoRPC({});
    await peer.answerCall();
    await call;
  });

  it.each([
    ["an id that is in no list", "99"],
    ["the id of the server", "3"],
  ])("[W-02] is refused if it claims %s", async (_, id) => {
    await using cluster = await openCluster();
    const stream = cluster.streamOfOne();
    await using impostor = await cluster.dial(two, { "gorums-node-id": id, ...features });
    expect(await impostor.ended()).toMatchObject({ code: Code.PermissionDenied });
    await cluster.expectUndisturbed(stream);
  });
});
