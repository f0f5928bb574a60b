import { X509Certificate } from "node:crypto";

/** A certificate that a peer has proven to be its own, and that an authority of `tls.ca` has signed. */
export interface PeerCertificate {
  /** The common name of its subject, if there is one. Not what peers are told apart by: use the names. */
  readonly commonName: string | undefined;
  /** The alternative names of its subject that are URIs, such as `quorate://node/1`. */
  readonly uris: readonly string[];
  /** Those that are host names. */
  readonly dnsNames: readonly string[];
  /** Those that are IP addresses. */
  readonly ipAddresses: readonly string[];
  /** The SHA-256 digest of the certificate: pairs of hexadecimal digits in capitals, with colons between. */
  readonly fingerprint256: string;
  /** The whole of it, as `X509Certificate` of `node:crypto` takes it. */
  readonly raw: Uint8Array;
}

/** Reads a certificate from its DER. A part that cannot be read leaves it without names. */
export function readPeerCertificate(raw: Uint8Array): PeerCertificate {
  const certificate = new X509Certificate(raw);
  const names = alternativeNames(certificate.subjectAltName ?? "");
  const named = (kind: string) => names.flatMap((name) => (name.kind === kind ? [name.value] : []));
  return {
    commonName: /^CN=(.*)$/m.exec(certificate.subject ?? "")?.[1],
    uris: named("URI"),
    dnsNames: named("DNS"),
    ipAddresses: named("IP Address"),
    fingerprint256: certificate.fingerprint256,
    raw,
  };
}

interface AlternativeName {
  readonly kind: string;
  readonly value: string;
}

/**
 * The names in what node:crypto makes of them: `DNS:localhost, URI:quorate://node/1`, where a name that could be taken
 * for several stands in the quotes of JSON. All or none of them: to guess would be to let a name say another.
 */
export function alternativeNames(text: string): AlternativeName[] {
  const names: AlternativeName[] = [];
  const one = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^",]*)(, |$)/y;
  while (one.lastIndex < text.length) {
    const [, kind, value, separator] = one.exec(text) ?? [];
    if (kind === undefined || value === undefined) return [];
    const spelled = value.startsWith('"') ? unquoted(value) : value;
    if (spelled === undefined) return [];
    names.push({ kind, value: spelled });
    if (separator === "") break;
  }
  return names;
}

function unquoted(json: string): string | undefined {
  try {
    return JSON.parse(json) as string;
  } catch {
    return undefined;
  }
}
