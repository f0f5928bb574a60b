import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import type { PeerCertificate } from "../../internal/transport/peer-certificate.js";
import { firstDynamicId } from "../configuration/node-list.js";
import type { Identify } from "./identify.js";

/** The options of {@link certificateIdentity}. */
export interface CertificateIdentityOptions {
  /**
   * The node ids that a certificate stands for. A map or an object goes from a name to an id; the name is one of the
   * certificate's URIs, one of its DNS names, or its `fingerprint256`. Default: those of its URIs that are
   * `quorate://node/<id>`.
   */
  readonly nodeIds?:
    | ReadonlyMap<string, number>
    | { readonly [name: string]: number }
    | ((certificate: PeerCertificate) => number | readonly number[] | undefined);
}

/**
 * A stream may have a node id that its TLS certificate stands for. One without a certificate has no id: it is served
 * if it claims none, which `clientCertificates: "required"` rules out before.
 *
 * @throws QuorateError InvalidArgument for an id in `nodeIds` that no node can have.
 */
export function certificateIdentity({ nodeIds }: CertificateIdentityOptions = {}): Identify {
  const idsOf =
    nodeIds === undefined ? idsInUris : typeof nodeIds === "function" ? nodeIds : idsInMap(nodeIds);
  return ({ claim, tls }) => {
    const certificate = tls?.certificate;
    if (certificate === undefined) {
      if (claim.kind !== "node") return {};
      const message = `quorate: node ${claim.id} needs a TLS certificate of an authority that this server trusts`;
      throw new QuorateError(Code.Unauthenticated, message, { reason: "NOT_IDENTIFIED" });
    }
    const found = idsOf(certificate);
    const ids = found === undefined ? [] : typeof found === "number" ? [found] : found;
    const name = nameOf(certificate);
    if (claim.kind === "node" && ids.includes(claim.id)) return { nodeId: claim.id, name };
    // Of a certificate for several nodes it is not known which of them has called.
    return ids.length === 1 ? { nodeId: ids[0], name } : { name };
  };
}

function idsInUris({ uris }: PeerCertificate): number[] {
  return uris.flatMap((uri) => {
    const [, digits] = /^quorate:\/\/node\/([1-9]\d{0,6})$/.exec(uri) ?? [];
    return digits === undefined ? [] : [Number(digits)];
  });
}

function idsInMap(nodeIds: ReadonlyMap<string, number> | { readonly [name: string]: number }) {
  const ids = nodeIds instanceof Map ? new Map<string, number>(nodeIds) : new Map(Object.entries(nodeIds));
  for (const [name, id] of ids) {
    if (Number.isInteger(id) && id >= 1 && id < firstDynamicId) continue;
    throw invalidArgument(`nodeIds gives "${name}" the id ${id}: use 1 to ${firstDynamicId - 1}`);
  }
  return ({ uris, dnsNames, fingerprint256 }: PeerCertificate): number[] => {
    const found = [...uris, ...dnsNames, fingerprint256].map((name) => ids.get(name));
    return [...new Set(found)].filter((id) => id !== undefined);
  };
}

function nameOf({ uris, dnsNames, commonName }: PeerCertificate): string | undefined {
  return uris[0] ?? dnsNames[0] ?? commonName;
}
