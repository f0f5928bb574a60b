/* oxlint-disable no-underscore-dangle -- the names are those of grpc-js */
import type { Socket } from "node:net";
import { ChannelCredentials } from "@grpc/grpc-js";

type SecureConnector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/** How long a connection has for its last bytes, in milliseconds. */
const lingerMs = 1_000;

/**
 * The credentials of one dialled channel, which see its connection. When a channel is closed, grpc-js forgets a
 * connection that was not established (J-22) and waits for the peer to close the others, which a dead one never does.
 */
export class WatchedCredentials extends ChannelCredentials {
  readonly #credentials: ChannelCredentials;
  #socket: Socket | undefined;
  #closed = false;

  constructor(credentials: ChannelCredentials) {
    super();
    this.#credentials = credentials;
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
        return connector.connect(socket);
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  }
}
