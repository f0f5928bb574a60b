import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { alternativeNames, readPeerCertificate } from "../../internal/transport/peer-certificate.js";
import { createAuthority, fingerprintOf } from "../helpers/certificates.js";

const authority = createAuthority();

function read(names: readonly string[]) {
  const leaf = authority.issue({ commonName: "replica 2", names });
  return { leaf, certificate: readPeerCertificate(new X509Certificate(leaf.cert).raw) };
}

describe("the certificate of a peer", () => {
  it("has its names by their kinds", () => {
    const { leaf, certificate } = read([
      "DNS:a.example",
      "URI:quorate://node/2",
      "IP:127.0.0.1",
      "DNS:b.example",
      "IP:::1",
      "URI:spiffe://example/two",
    ]);
    expect(certificate).toEqual({
      commonName: "replica 2",
      uris: ["quorate://node/2", "spiffe://example/two"],
      dnsNames: ["a.example", "b.example"],
      ipAddresses: ["127.0.0.1", "0:0:0:0:0:0:0:1"],
      fingerprint256: fingerprintOf(leaf),
      raw: new X509Certificate(leaf.cert).raw,
    });
  });

  it("has no names if it has none", () => {
    expect(read([]).certificate).toMatchObject({ uris: [], dnsNames: [], ipAddresses: [] });
  });

  it.each([
    "x, URI:quorate://node/1, y",
    'x", URI:quorate://node/1, DNS:"y',
    "x\\, URI:quorate://node/1",
    "x\u0000, URI:quorate://node/1",
  ])("[W-02] does not take %j, which is one name, for several", (name) => {
    const { certificate } = read([`DNS:${name}`, "URI:quorate://node/2"]);
    expect(certificate.uris).toEqual(["quorate://node/2"]);
    expect(certificate.dnsNames).toEqual([name]);
  });
});

describe("alternativeNames", () => {
  it.each([
    ["", []],
    ["DNS:a", [{ kind: "DNS", value: "a" }]],
    ['DNS:"a, URI:b"', [{ kind: "DNS", value: "a, URI:b" }]],
    [
      'DNS:"a\\"", URI:b',
      [
        { kind: "DNS", value: 'a"' },
        { kind: "URI", value: "b" },
      ],
    ],
  ])("reads %j", (text, names) => {
    expect(alternativeNames(text)).toEqual(names);
  });

  it.each(['URI:b, DNS:"a', 'URI:b, DNS:"\\x"', 'URI:b, "a"', 'URI:b, DNS:a"b', "URI:b, a"])(
    "reads nothing in %j, which nothing writes",
    (text) => {
      expect(alternativeNames(text)).toEqual([]);
    },
  );
});
