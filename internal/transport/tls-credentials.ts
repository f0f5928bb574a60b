/* oxlint-disable no-underscore-dangle -- the names are those of grpc-js */
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { ChannelCredentials, ServerCredentials } from "@grpc/grpc-js";
import type { TlsSettings } from "./tls-options.js";

type ConnectorArguments = Parameters<ChannelCredentials["_createSecureConnector"]>;
type SecureConnector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/** How long those who dial have for their part of the handshake, in milliseconds; node waits two minutes. */
const handshakeMs = 10_000;

/** The credentials of a channel to an address: names are checked as names, IP addresses as IP addresses (W-27). */
export function channelCredentials(tls: TlsSettings | undefined, address: string): ChannelCredentials {
  return tls === undefined
    ? ChannelCredentials.createInsecure()
    : new TlsChannelCredentials(tls, tls.serverName ?? hostOf(address));
}

/** The credentials of a server. */
export function serverCredentials(tls: TlsSettings | undefined): ServerCredentials {
  return tls === undefined ? ServerCredentials.createInsecure() : new TlsServerCredentials(tls);
}

class TlsChannelCredentials extends ChannelCredentials {
  readonly #credentials: ChannelCredentials;
  readonly #name: string;

  constructor({ context }: TlsSettings, name: string) {
    super();
    this.#name = name;
    this.#credentials = ChannelCredentials.createFromSecureContext(context, {
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    });
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(...[target, ...rest]: ConnectorArguments): SecureConnector {
    // grpc-js asks for the host of the target by its name, which RFC 6066 forbids for an IP address.
    const path = isIP(this.#name) === 0 ? this.#name : "";
    return this.#credentials._createSecureConnector({ ...target, path }, ...rest);
  }
}

class TlsServerCredentials extends ServerCredentials {
  constructor({ ca, cert, key, clientCertificates }: TlsSettings) {
    super(
      {
        requestCert: clientCertificates !== "none",
        rejectUnauthorized: clientCertificates === "required",
        handshakeTimeout: handshakeMs,
      },
      { ca, cert, key },
    );
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}

function hostOf(address: string): string {
  const host = address.slice(0, address.lastIndexOf(":"));
  // Without the zone of an IPv6 address, which no certificate has.
  return host.replace(/^\[([^\]%]*).*\]$/, "$1");
}
