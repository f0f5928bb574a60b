import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/**
 * A port that is listened on, with the connections that came to it. They are kept here because a grpc-js server
 * waits for the peers to close theirs, whatever it is told: a peer that is stopped never would.
 */
export class TcpListener {
  readonly #connected: (socket: Socket) => void;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(connected: (socket: Socket) => void) {
    this.#connected = connected;
  }

  /**
   * Listens on all addresses that the name has, on the same port of each; one that cannot be bound is left out as
   * long as another can. Rejects with what the system says, and leaves nothing open.
   */
  static async bind(
    host: string,
    port: number,
    connected: (socket: Socket) => void,
  ): Promise<{ readonly listener: TcpListener; readonly port: number }> {
    const listener = new TcpListener(connected);
    let bound = port;
    let failure: unknown;
    for (const address of new Set((await lookup(host, { all: true })).map((found) => found.address))) {
      try {
        bound = await listener.#listen(address, bound);
      } catch (error) {
        failure ??= error;
      }
    }
    if (listener.#servers.length === 0) throw failure;
    return { listener, port: bound };
  }

  /** Takes no more connections; resolves when those that are open have ended. */
  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  /** Closes everything at once. */
  destroy(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #listen(host: string, port: number): Promise<number> {
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      this.#connected(socket);
    });
    server.listen({ host, port });
    await once(server, "listening");
    // A connection that could not be accepted (no file descriptors, say) is the peer's to try again.
    server.on("error", () => {});
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }
}
