import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { type PeerCertificate, readPeerCertificate } from "../../../internal/transport/peer-certificate.js";
import { certificateUsers } from "../../../src/sessions/credentials/certificate-users.js";
import { noCredentials, passwordCredentials } from "../../../src/sessions/credentials/credentials.js";
import { createAuthority } from "../../helpers/certificates.js";
import { peerOf } from "./login-peer.js";

const authority = createAuthority();

function certificateOf(names: readonly string[], validMs = 3_600_000): PeerCertificate {
  const { cert } = authority.issue({ names, validMs });
  return readPeerCertificate(new X509Certificate(cert).raw);
}

describe("certificateUsers", () => {
  it("takes the user from the URI of the certificate, until that expires", async () => {
    const certificate = certificateOf(["DNS:a.example", "URI:quorate://user/ann%20b"]);
    const user = await certificateUsers().authenticate(noCredentials, peerOf({ certificate, name: "other" }));
    const { validTo } = new X509Certificate(certificate.raw);
    expect(user).toEqual({
      id: "ann b",
      expiresAtMs: Date.parse(validTo),
      via: { kind: "certificate", fingerprint256: certificate.fingerprint256 },
    });
    expect(user.expiresAtMs).toBeGreaterThan(Date.now());
  });

  it("takes the name that identify has given, where the certificate names no user", async () => {
    const peer = peerOf({ certificate: certificateOf(["URI:quorate://node/2"]), name: "quorate://node/2" });
    expect(await certificateUsers().authenticate(noCredentials, peer)).toMatchObject({
      id: "quorate://node/2",
    });
  });

  it("takes what a function makes of both", async () => {
    const { authenticate } = certificateUsers({
      userOf: ({ dnsNames }, { name }) => `${dnsNames.join()} ${name}`,
    });
    const peer = peerOf({ certificate: certificateOf(["DNS:a.example"]), name: "x" });
    expect(await authenticate(noCredentials, peer)).toMatchObject({ id: "a.example x" });
  });

  it.each([
    ["without TLS", peerOf({ name: "ann" })],
    ["without a certificate", peerOf({ tls: true, name: "ann" })],
    ["with a certificate of nobody", peerOf({ certificate: certificateOf(["DNS:a.example"]) })],
    [
      "with a certificate of several",
      peerOf({ certificate: certificateOf(["URI:quorate://user/a", "URI:quorate://user/b"]), name: "a" }),
    ],
    ["with an empty user", peerOf({ certificate: certificateOf(["URI:quorate://user/"]), name: "a" })],
    [
      "with a user that cannot be read",
      peerOf({ certificate: certificateOf(["URI:quorate://user/%ff"]), name: "a" }),
    ],
  ])("refuses a stream %s", async (_, peer) => {
    await expect(certificateUsers().authenticate(noCredentials, peer)).rejects.toMatchObject({
      code: Code.Unauthenticated,
      reason: "NOT_AUTHENTICATED",
    });
  });

  it("refuses users who are not active, and sends them away", async () => {
    const inactive = new Set<string>();
    const { authenticate, stillValid } = certificateUsers({ isActive: (user) => !inactive.has(user) });
    const peer = peerOf({ certificate: certificateOf(["URI:quorate://user/ann"]) });
    const user = await authenticate(noCredentials, peer);
    expect(await stillValid(user)).toBe(true);
    inactive.add("ann");
    expect(await stillValid(user)).toBe(false);
    await expect(authenticate(noCredentials, peer)).rejects.toMatchObject({ reason: "USER_INACTIVE" });
    expect(await stillValid({ id: "bob" })).toBe(false);
  });

  it("takes no other credentials", async () => {
    const peer = peerOf({ certificate: certificateOf(["URI:quorate://user/ann"]) });
    await expect(
      certificateUsers().authenticate(passwordCredentials("ann", "x"), peer),
    ).rejects.toMatchObject({
      reason: "NOT_AUTHENTICATED",
    });
  });
});
