/* oxlint-disable no-underscore-dangle -- the names are those of grpc-js */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { ChannelCredentials } from "@grpc/grpc-js";
import { readPeerCertificate } from "./peer-certificate.js";
import type { ConnectionTls } from "./transport.js";

type SecureConnector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/** How long a connection has for its last bytes, in milliseconds. */
const lingerMs = 1_000;

/**
 * The credentials of one dialled channel, which see its connection. When a channel is closed, grpc-js forgets a
 * connection that was not established (J-22) and waits for the peer to close the others, which a dead one never does.
 */
export class WatchedCredentials extends ChannelCredentials {
  readonly #credentials: ChannelCredentials;
  /** The connection below TLS, whose end is that of both. */
  #socket: Socket | undefined;
  #secured: TLSSocket | undefined;
  #failure: string | undefined;
  #closed = false;

  constructor(credentials: ChannelCredentials) {
    super();
    this.#credentials = credentials;
  }

  /** TLS of the connection, once it is established. Undefined if it is plain text. */
  get tls(): ConnectionTls | undefined {
    const certificate = this.#secured?.getPeerX509Certificate();
    return certificate && { certificate: readPeerCertificate(certificate.raw) };
  }

  /**
   * Why TLS failed, of a channel that did not come up; undefined if it had not begun. In TLS 1.3 a server looks at our
   * certificate when our part of the handshake is done, and one of node's ends the connection without a word.
   */
  get tlsFailure(): string | undefined {
    if (this.#failure !== undefined) return this.#failure;
    return this.#secured && "the server ended the connection; it may not take our certificate";
  }

  /** To be called when the channel is closed: the connection ends by itself soon, or is ended. */
  close(): void {
    this.#closed = true;
    const socket = this.#socket;
    if (socket === undefined || socket.closed) return;
    // Not one of the deadlines: a process that is done need not wait for it.
    const timer = setTimeout(() => socket.destroy(), lingerMs).unref();
    socket.once("close", () => clearTimeout(timer));
  }

  override _isSecure(): boolean {
    return this.#credentials._isSecure();
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(
    ...args: Parameters<ChannelCredentials["_createSecureConnector"]>
  ): SecureConnector {
    const connector = this.#credentials._createSecureConnector(...args);
    return {
      connect: async (socket) => {
        if (this.#closed) throw new Error("the channel was closed");
        this.#socket = socket;
        if (!this._isSecure()) return connector.connect(socket);
        try {
          const connected = await connector.connect(socket);
          if (connected.socket instanceof TLSSocket) this.#secured = connected.socket;
          connected.socket.on("error", (error) => this.#failed(error));
          return connected;
        } catch (error) {
          this.#failed(error);
          throw error;
        }
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  }

  #failed(error: unknown): void {
    this.#failure ??= reasonOf(error);
  }
}

/** The errors of OpenSSL have their reason by itself; their texts are full of numbers. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const reason = "reason" in error && typeof error.reason === "string" ? error.reason : error.message;
  return reason.trim();
}
