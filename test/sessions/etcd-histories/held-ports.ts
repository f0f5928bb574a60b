import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

const host = "127.0.0.1";

/** Ports that are kept for those who are told of them. */
export interface HeldPorts extends AsyncDisposable {
  readonly ports: readonly number[];
}

/**
 * Finds ports of 127.0.0.1 on which a server can listen, be killed and listen again. Nobody else is given one of them
 * meanwhile: without this, the clients of a server that is down would come to whoever was given its port.
 *
 * From each of them a connection is kept. To the system the port is then in use, except for those who ask for it by its
 * number, as long as nobody listens on it.
 */
export async function holdPorts(count: number): Promise<HeldPorts> {
  const anchor = await listenAnywhere();
  const accepted: Socket[] = [];
  anchor.on("connection", (socket) => accepted.push(socket));
  const holders = await Promise.all(Array.from({ length: count }, () => holdOne(portOf(anchor))));
  return {
    ports: holders.map(({ localPort }) => localPort ?? 0),
    [Symbol.asyncDispose]: async () => {
      for (const socket of [...holders, ...accepted]) socket.destroy();
      await once(anchor.close(), "close");
    },
  };
}

async function holdOne(anchorPort: number): Promise<Socket> {
  for (let tries = 0; ; tries++) {
    const free = await listenAnywhere();
    const localPort = portOf(free);
    await once(free.close(), "close");
    const holder = connect({ host, port: anchorPort, localAddress: host, localPort });
    try {
      await once(holder, "connect");
      return holder;
    } catch (error) {
      // Somebody was given it in between.
      if (tries === 20) throw error;
    }
  }
}

async function listenAnywhere(): Promise<Server> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
