import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { invalidArgument } from "../errors/quorate-error.js";

/** Text or bytes in PEM: the content of a file, not its name. */
export type Pem = string | Uint8Array;

/** TLS of the side that dials. `{}` trusts the certificate authorities of the system. */
export interface TlsOptions {
  /** The certificates of the authorities whose certificates are trusted; default those of the system. */
  readonly ca?: Pem;
  /** The own certificate, and behind it those between it and the authority; for servers that ask for one. */
  readonly cert?: Pem;
  /** The private key of `cert`, without a pass phrase. */
  readonly key?: Pem;
  /** The name that the certificates of all servers must be for. Default: the host of each address, a name or an IP. */
  readonly serverName?: string;
}

/**
 * TLS of a server. A replica uses the same in both roles: it presents `cert` to those who dial it and to those whom it
 * dials, and trusts `ca` in either.
 */
export interface ServerTlsOptions extends TlsOptions {
  readonly cert: Pem;
  readonly key: Pem;
  /**
   * Whether those who dial must present a certificate of `ca`: `none` (the default) does not ask for one; `optional`
   * takes those without as well, and takes a certificate that is not valid for none; `required` refuses both. The
   * latter two need `ca`, and make `certificateIdentity()` the default of `identify`.
   */
  readonly clientCertificates?: "none" | "optional" | "required";
}

/** TLS options that were checked. Opaque to all but the transport. */
export interface TlsSettings {
  /** What this side presents and trusts when it dials. */
  readonly context: SecureContext;
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly serverName: string | undefined;
  readonly clientCertificates: "none" | "optional" | "required";
}

/**
 * Checks TLS options.
 *
 * @throws QuorateError InvalidArgument that names the option, and has nothing of its value.
 */
export function readTls(options: Partial<ServerTlsOptions>, role: "client" | "server"): TlsSettings {
  if (typeof options !== "object" || options === null) throw invalidArgument("tls must be an object");
  const known = role === "server" ? serverNames : clientNames;
  const stranger = Object.keys(options).find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw invalidArgument(`tls.${stranger} is no option of a ${role}; there are ${known.join(", ")}`);
  }
  const ca = certificates("ca", options.ca);
  const cert = certificates("cert", options.cert);
  const key = bytesOf("key", options.key);
  if (cert !== undefined && key === undefined) throw invalidArgument("tls.cert needs tls.key");
  if (key !== undefined && cert === undefined) throw invalidArgument("tls.key needs tls.cert");
  if (cert !== undefined && key !== undefined) checkPair(cert, key);
  else if (role === "server") throw invalidArgument("tls of a server needs tls.cert and tls.key");
  const { serverName, clientCertificates = "none" } = options;
  if (
    serverName !== undefined &&
    (typeof serverName !== "string" || !/^[^\s:/]+$|^[\da-fA-F:.]+$/.test(serverName))
  ) {
    throw invalidArgument("tls.serverName must be a name or an IP address, without a port");
  }
  if (!["none", "optional", "required"].includes(clientCertificates)) {
    throw invalidArgument("tls.clientCertificates must be none, optional or required");
  }
  if (clientCertificates !== "none" && ca === undefined) {
    throw invalidArgument("tls.clientCertificates needs tls.ca: whose certificates may come in");
  }
  return { context: contextOf(ca, cert, key), ca, cert, key, serverName, clientCertificates };
}

const clientNames: readonly string[] = ["ca", "cert", "key", "serverName"];
const serverNames: readonly string[] = [...clientNames, "clientCertificates"];

function bytesOf(name: string, value: unknown): Buffer | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    throw invalidArgument(`tls.${name} must be text or bytes in PEM`);
  }
  return Buffer.from(value);
}

/** Each of them is parsed: node:tls passes over what it cannot read. */
function certificates(name: string, value: unknown): Buffer | undefined {
  const bytes = bytesOf(name, value);
  if (bytes === undefined) return undefined;
  const blocks = bytes.toString("latin1").match(/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----[^-]*-----END/g) ?? [];
  if (blocks.length === 0) {
    throw invalidArgument(
      `tls.${name} holds no certificate in PEM; it is the content of a file, not its name`,
    );
  }
  for (const block of blocks) {
    try {
      // oxlint-disable-next-line no-new -- it throws
      new X509Certificate(`${block} CERTIFICATE-----\n`);
    } catch (error) {
      throw invalidArgument(`tls.${name} holds a certificate that cannot be read`, error);
    }
  }
  return bytes;
}

function checkPair(cert: Buffer, key: Buffer): void {
  let belongs: boolean;
  try {
    belongs = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    // Without the cause: nothing about a key is told.
    throw invalidArgument("tls.key holds no private key in PEM without a pass phrase");
  }
  if (!belongs) throw invalidArgument("tls.key is not the key of the first certificate in tls.cert");
}

function contextOf(ca: Buffer | undefined, cert: Buffer | undefined, key: Buffer | undefined): SecureContext {
  try {
    return createSecureContext({ ca, cert, key });
  } catch {
    throw invalidArgument("tls.ca, tls.cert and tls.key cannot be used together");
  }
}
