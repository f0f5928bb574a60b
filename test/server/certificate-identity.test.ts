import { X509Certificate } from "node:crypto";
import {
  type ArrivingPeer,
  type CertificateIdentityOptions,
  Code,
  certificateIdentity,
  connect,
  createClient,
  createServer,
  type Identity,
  Metadata,
  type PeerClaim,
} from "quorate";
import { describe, expect, it } from "vitest";
import { readPeerCertificate } from "../../internal/transport/peer-certificate.js";
import { readTls } from "../../internal/transport/tls-options.js";
import { rejectionOf } from "../calls/held-cluster.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import {
  createAuthority,
  fingerprintOf,
  issueReplica,
  type KeyAndCertificate,
} from "../helpers/certificates.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { features, RawPeer } from "./raw-peer.js";

checkLeaks();

const authority = createAuthority();
const { ca } = authority;
const named = (...names: readonly string[]) => authority.issue({ commonName: "leaf", names });
const two = issueReplica(authority, 2);

/** What the hook says of a stream with this certificate and this claim. */
async function decide(
  certificate: KeyAndCertificate | undefined,
  claim: PeerClaim,
  options?: CertificateIdentityOptions,
): Promise<Identity> {
  const tls = certificate && {
    certificate: readPeerCertificate(new X509Certificate(certificate.cert).raw),
  };
  const peer: ArrivingPeer = { claim, remoteAddress: "", metadata: Metadata.empty, tls, serverId: 1 };
  return certificateIdentity(options)(peer, new AbortController().signal);
}

const node = (id: number): PeerClaim => ({ kind: "node", id });
const dynamic: PeerClaim = { kind: "dynamic" };
const plain: PeerClaim = { kind: "plain" };

describe("certificateIdentity", () => {
  it.each<[string, KeyAndCertificate, PeerClaim, Identity]>([
    ["its id, if it claims that", two, node(2), { nodeId: 2, name: "quorate://node/2" }],
    ["its id, if it claims another", two, node(1), { nodeId: 2, name: "quorate://node/2" }],
    ["its id, if it claims none", two, plain, { nodeId: 2, name: "quorate://node/2" }],
    [
      "each of two ids, if it claims that",
      named("URI:quorate://node/1", "URI:quorate://node/2"),
      node(2),
      { nodeId: 2, name: "quorate://node/1" },
    ],
    [
      "no id, if it has two and claims none",
      named("URI:quorate://node/1", "URI:quorate://node/2"),
      dynamic,
      { name: "quorate://node/1" },
    ],
    ["no id without such a URI", named("DNS:a.example"), dynamic, { name: "a.example" }],
    ["no id without names", named(), node(1), { name: "leaf" }],
  ])("gives the holder of a certificate %s", async (_, certificate, claim, identity) => {
    expect(await decide(certificate, claim)).toEqual(identity);
  });

  it.each([
    "URI:quorate://node/2/",
    "URI:quorate://node/02",
    "URI:quorate://node/",
    "URI:quorate://node/-2",
    "URI:quorate://node/2?x",
    "URI:QUORATE://node/2",
    "URI:https://example/quorate://node/2",
    "URI:quorate://nodes/2",
    "DNS:quorate://node/2",
    "DNS:2",
  ])("finds no id in the name %s", async (name) => {
    expect((await decide(named(name), node(2))).nodeId).toBeUndefined();
  });

  const other = named("DNS:replica-3.example", "URI:spiffe://example/3");

  it.each<[string, KeyAndCertificate, CertificateIdentityOptions["nodeIds"], number | undefined]>([
    ["a DNS name in an object", other, { "replica-3.example": 3 }, 3],
    ["a URI in a map", other, new Map([["spiffe://example/3", 3]]), 3],
    ["a fingerprint", other, { [fingerprintOf(other)]: 3 }, 3],
    ["two names of one node", other, { "replica-3.example": 3, "spiffe://example/3": 3 }, 3],
    ["names of other certificates", other, { "replica-4.example": 4 }, undefined],
    ["a common name, which is none of its names", two, { "replica 2": 2 }, undefined],
    ["a map, in place of quorate's own URIs", two, {}, undefined],
    ["names that every object has", named("DNS:toString"), {}, undefined],
    ["a function", other, ({ uris }) => (uris.includes("spiffe://example/3") ? 3 : undefined), 3],
    ["a function with several ids", other, () => [1, 3], 3],
    ["a function without an answer", other, () => undefined, undefined],
  ])("takes ids from %s", async (_, certificate, nodeIds, id) => {
    expect((await decide(certificate, node(3), { nodeIds } as CertificateIdentityOptions)).nodeId).toBe(id);
  });

  it.each([0, 1.5, 1 << 20, "3"])("refuses a map to the id %j", (id) => {
    const nodeIds = { "replica-3.example": id } as { [name: string]: number };
    expect(() => certificateIdentity({ nodeIds })).toThrow(
      expect.objectContaining({
        code: Code.InvalidArgument,
        message: expect.stringMatching(/^quorate: nodeIds gives "replica-3\.example"/) as string,
      }) as Error,
    );
  });

  it("lets nobody without a certificate be a node, and others in", async () => {
    expect(await rejectionOf(decide(undefined, node(2)))).toMatchObject({ code: Code.Unauthenticated });
    expect(await decide(undefined, plain)).toEqual({});
    expect(await decide(undefined, dynamic)).toEqual({});
  });
});

describe("a server where certificates are optional", () => {
  const options = {
    address: "127.0.0.1:0",
    nodeId: 1,
    nodes: { 1: "127.0.0.1:1", 2: "127.0.0.1:2" },
    tls: { ...issueReplica(authority, 1), ca, clientCertificates: "optional" } as const,
    routes: (router: Parameters<NonNullable<Parameters<typeof createServer>[0]["routes"]>>[0]) =>
      router.service(Test, echoHandlers(1)),
  };

  it("[W-02] takes clients without one, and nodes with theirs alone", async () => {
    await using server = await createServer(options);
    await using client = await connect({ nodes: [server.address], tls: { ca } });
    expect((await createClient(Test, client.node(1)).echoRPC({})).server).toBe(1);
    const claim = { "gorums-node-id": "2", ...features };
    const dial = (certificate: Partial<KeyAndCertificate>) =>
      RawPeer.dial(server.address, claim, undefined, readTls({ ca, ...certificate }, "client"));
    await using impostor = await dial({});
    expect(await impostor.ended()).toMatchObject({
      code: Code.Unauthenticated,
      message: "quorate: node 2 needs a TLS certificate of an authority that this server trusts",
    });
    await using foreign = await dial(issueReplica(createAuthority("a stranger"), 2));
    expect(await foreign.ended()).toMatchObject({ code: Code.Unauthenticated });
    await using real = await dial(two);
    await server.waitForPeers(2);
    expect(real.status).toBeUndefined();
  });
});
