import { describe, expect, it } from "vitest";
import { serverCredentials } from "../../internal/transport/tls-credentials.js";
import { readTls } from "../../internal/transport/tls-options.js";
import { createAuthority, issueReplica } from "../helpers/certificates.js";

const authority = createAuthority();
const own = issueReplica(authority, 1);

/** What grpc-js makes its server with. */
function optionsOf(clientCertificates: "none" | "optional" | "required"): object {
  const credentials = serverCredentials(readTls({ ...own, ca: authority.ca, clientCertificates }, "server"));
  return Reflect.get(credentials, "_getConstructorOptions").call(credentials) as object;
}

describe("the credentials of a server", () => {
  it.each(["none", "optional", "required"] as const)(
    "give whoever does not finish a handshake ten seconds, with client certificates: %s",
    (clientCertificates) => {
      expect(optionsOf(clientCertificates)).toEqual({
        requestCert: clientCertificates !== "none",
        rejectUnauthorized: clientCertificates === "required",
        handshakeTimeout: 10_000,
      });
    },
  );
});
