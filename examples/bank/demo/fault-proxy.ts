import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Direction } from "./fault-plan.js";

/** Stands between a client and the server, and damages what goes through it. */
export interface FaultProxy extends AsyncDisposable {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** Connections that are open through it. */
  readonly connections: number;
  /** Bytes that were lost since the last cut. */
  readonly lostBytes: number;
  /**
   * Where new connections go, on 127.0.0.1; without a target, as at first, they are cut at once. Who dials the port of a
   * server that is gone may be given that very port for its own end, and talk to itself.
   */
  setTarget(port: number | undefined): void;
  /** From now on all that goes this way gets lost, on later connections too, until the next cut. */
  lose(direction: Direction): void;
  /** Cuts all connections now; what is on its way gets lost. Returns how many there were. */
  cut(): number;
  /** Cuts once so many bytes more have gone this way. Resolves when it has cut. */
  cutAfter(direction: Direction, bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts a proxy, on a port that the system chooses. */
export async function startFaultProxy(): Promise<FaultProxy> {
  const open = new Set<readonly [Socket, Socket]>();
  let target: number | undefined;
  let losing: Direction | undefined;
  let lostBytes = 0;
  let planned: { readonly direction: Direction; bytesLeft: number; readonly done: () => void } | undefined;

  const cut = () => {
    const pairs = [...open];
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    losing = undefined;
    lostBytes = 0;
    planned?.done();
    planned = undefined;
    return pairs.length;
  };

  const pass = (direction: Direction, bytes: Buffer, from: Socket, to: Socket) => {
    if (losing === direction) {
      lostBytes += bytes.length;
      return;
    }
    if (planned?.direction === direction) {
      if (bytes.length >= planned.bytesLeft) {
        const due = planned;
        // What stands before the cut still arrives.
        to.write(bytes.subarray(0, due.bytesLeft), () => {
          if (planned === due) cut();
        });
        due.bytesLeft = Number.POSITIVE_INFINITY;
        from.pause();
        return;
      }
      planned.bytesLeft -= bytes.length;
    }
    if (!to.write(bytes)) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  };

  const listener = createServer((client) => {
    if (target === undefined) return client.destroy();
    const server = connect(target, "127.0.0.1");
    const pair = [client, server] as const;
    open.add(pair);
    join("requests", client, server);
    join("answers", server, client);
    return undefined;

    function join(direction: Direction, from: Socket, to: Socket): void {
      from.setNoDelay();
      from.on("data", (bytes: Buffer) => pass(direction, bytes, from, to));
      from.on("end", () => to.end());
      // Lost connections are what this is about.
      from.on("error", () => {});
      from.on("close", () => {
        // What it wrote last goes out first.
        to.destroySoon();
        if (to.destroyed) open.delete(pair);
      });
    }
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;

  let closed: Promise<void> | undefined;
  const close = async () => {
    listener.close();
    cut();
    await once(listener, "close");
  };
  const proxy: FaultProxy = {
    port,
    get connections() {
      return open.size;
    },
    get lostBytes() {
      return lostBytes;
    },
    setTarget: (to) => {
      target = to;
    },
    lose: (direction) => {
      losing = direction;
    },
    cut,
    cutAfter: (direction, bytes) =>
      new Promise((done) => {
        planned?.done();
        planned = { direction, bytesLeft: bytes, done };
      }),
    close: () => {
      closed ??= close();
      return closed;
    },
    [Symbol.asyncDispose]: () => proxy.close(),
  };
  return proxy;
}
