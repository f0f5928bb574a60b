import { X509Certificate } from "node:crypto";
import type { PeerCertificate } from "../../../internal/transport/peer-certificate.js";
import type { Identity } from "../../server/identify.js";
import type { Authenticator } from "./authenticate.js";
import { notAuthenticated, userInactive } from "./login-errors.js";

/** The options of {@link certificateUsers}. */
export interface CertificateUsersOptions {
  /**
   * The id of the user whom a certificate stands for; undefined for none. Default: that of its URI
   * `quorate://user/<id>`, percent-encoded; without one, the name that `identify` has given the stream.
   */
  readonly userOf?: (certificate: PeerCertificate, identity: Identity) => string | undefined;
  /** Whether a user may log in; default all. Asked at each login, and while they are logged in. */
  readonly isActive?: (userId: string) => boolean | Promise<boolean>;
}

/** Users whose TLS certificate says who they are. It expires with the certificate. */
export function certificateUsers(options: CertificateUsersOptions = {}): Authenticator {
  const { userOf = userInUris, isActive = () => true } = options;
  return {
    authenticate: async ({ kind }, { connection }) => {
      if (kind !== "none")
        throw notAuthenticated("the TLS certificate says who you are; log in without credentials");
      const certificate = connection.tls?.certificate;
      if (certificate === undefined) {
        throw notAuthenticated("the stream has no TLS certificate of an authority that this server trusts");
      }
      const id = userOf(certificate, connection.identity);
      if (id === undefined) throw notAuthenticated("the TLS certificate stands for no user");
      if (!(await isActive(id))) throw userInactive();
      const expiresAtMs = Date.parse(new X509Certificate(certificate.raw).validTo);
      return { id, expiresAtMs, via: { kind: "certificate", fingerprint256: certificate.fingerprint256 } };
    },
    stillValid: async ({ id, via }) => via?.kind === "certificate" && isActive(id),
  };
}

function userInUris({ uris }: PeerCertificate, { name }: Identity): string | undefined {
  const users = uris.filter((uri) => uri.startsWith(userUri));
  const [user] = users;
  if (user === undefined) return name;
  // Of a certificate for several users it is not known which of them has called.
  return users.length === 1 ? decoded(user.slice(userUri.length)) : undefined;
}

const userUri = "quorate://user/";

function decoded(text: string): string | undefined {
  try {
    return text === "" ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
