import { Code, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { readTls } from "../../internal/transport/tls-options.js";
import { createAuthority } from "../helpers/certificates.js";

const authority = createAuthority();
const { ca } = authority;
const one = authority.issue({ commonName: "one" });
const other = authority.issue({ commonName: "other" });

/** A line of the key: no message may show it. */
const secret = one.key.split("\n")[1] ?? "";

/** The text of the first certificate, broken in the middle. */
const broken = one.cert.replace(/\n.{20}/, "\nAAAAAAAAAAAAAAAAAAAA");

function refusal(options: object, role: "client" | "server"): QuorateError {
  try {
    readTls(options, role);
  } catch (error) {
    if (error instanceof QuorateError) return error;
    throw error;
  }
  throw new Error("the options were taken");
}

describe("the TLS options", () => {
  it.each<[string, "client" | "server", object]>([
    ["nothing: the authorities of the system", "client", {}],
    ["authorities alone", "client", { ca }],
    ["several authorities", "client", { ca: ca + createAuthority("second").ca }],
    [
      "bytes",
      "client",
      { ca: Buffer.from(ca), cert: new TextEncoder().encode(one.cert), key: Buffer.from(one.key) },
    ],
    ["a certificate with those above it", "client", { cert: one.cert + ca, key: one.key }],
    ["a name", "client", { serverName: "quorate.internal" }],
    ["an IP address", "client", { serverName: "::1" }],
    ["a certificate", "server", { ...one }],
    ["the certificates of clients", "server", { ...one, ca, clientCertificates: "required" }],
    [
      "undefined for none",
      "server",
      { ...one, ca: undefined, serverName: undefined, clientCertificates: undefined },
    ],
  ])("take %s, of a %s", (_, role, options) => {
    expect(readTls(options, role).clientCertificates).toMatch(/^none$|^required$/);
  });

  it.each<[name: string, what: string, role: "client" | "server", options: object]>([
    ["tls", "no object", "client", "on" as unknown as object],
    ["tls.ca", "a file name", "client", { ca: "/etc/quorate/ca.pem" }],
    ["tls.ca", "a key", "client", { ca: one.key }],
    ["tls.ca", "a second certificate that is broken", "client", { ca: ca + broken }],
    ["tls.ca", "a number", "client", { ca: 1 }],
    ["tls.cert", "no PEM", "client", { cert: "x", key: one.key }],
    ["tls.cert", "a certificate that is broken", "client", { cert: broken, key: one.key }],
    ["tls.cert", "no key with it", "client", { cert: one.cert }],
    ["tls.key", "no certificate with it", "client", { key: one.key }],
    ["tls.key", "no PEM", "client", { cert: one.cert, key: secret }],
    ["tls.key", "null", "client", { cert: one.cert, key: null }],
    ["tls.key", "the key of another", "client", { cert: other.cert, key: one.key }],
    ["tls.serverName", "a port", "client", { serverName: "localhost:9081" }],
    ["tls.serverName", "nothing", "client", { serverName: "" }],
    ["tls.clientCertificates", "a client that asks", "client", { clientCertificates: "none" }],
    ["tls.certs", "a name that is misspelled", "server", { certs: one.cert }],
    ["tls", "a server without a certificate", "server", { ca }],
    [
      "tls.clientCertificates",
      "a word that is none of the three",
      "server",
      { ...one, ca, clientCertificates: true },
    ],
    ["tls.clientCertificates", "no authorities", "server", { ...one, clientCertificates: "required" }],
    [
      "tls.clientCertificates",
      "no authorities for some",
      "server",
      { ...one, clientCertificates: "optional" },
    ],
  ])("refuse %s: %s", (name, _, role, options) => {
    const error = refusal(options, role);
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.message).toMatch(new RegExp(`^quorate: ${name.replace(".", "\\.")} `));
    expect(`${error.message} ${String(error.cause)}`).not.toContain(secret);
  });
});
