import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a server that can be cut without either end being told. */
export interface FreezableRoute extends AsyncDisposable {
  readonly address: string;
  /** From now on nothing passes, in either direction, and no connection is closed. */
  freeze(): void;
}

/** Passes the bytes of every connection on to a server, as a network does. */
export async function openFreezableRoute(target: string): Promise<FreezableRoute> {
  const sockets: Socket[] = [];
  const { hostname, port } = new URL(`http://${target}`);
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.push(from);
      from.on("error", () => {});
      from.pipe(to);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze: () => {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
