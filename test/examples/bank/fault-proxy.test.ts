import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { startFaultProxy } from "../../../examples/bank/demo/fault-proxy.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

/** Both ends of connections through a proxy. */
async function startEnds() {
  const proxy = await startFaultProxy();
  const arrived: Socket[] = [];
  const texts = new Map<Socket, string>();
  const listen = (socket: Socket) => {
    texts.set(socket, "");
    socket.setEncoding("utf8").on("data", (text: string) => texts.set(socket, texts.get(socket) + text));
    return socket.on("error", () => {});
  };
  const server: Server = createServer((socket) => arrived.push(listen(socket)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const target = (server.address() as AddressInfo).port;
  const dialled: Socket[] = [];
  return {
    proxy,
    target,
    arrived,
    text: (socket: Socket | undefined) => (socket === undefined ? undefined : texts.get(socket)),
    /** Dials the proxy; resolves with both ends. */
    open: async () => {
      const before = arrived.length;
      const client = listen(connect(proxy.port, "127.0.0.1"));
      dialled.push(client);
      await eventually(() => arrived.length > before);
      const far = arrived[before];
      if (far === undefined) throw new Error("nothing arrived");
      return { client, far };
    },
    dial: () => {
      const client = listen(connect(proxy.port, "127.0.0.1"));
      dialled.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of [...dialled, ...arrived]) socket.destroy();
      server.close();
      await proxy.close();
    },
  };
}

const big = "0123456789".repeat(300_000);

describe("startFaultProxy", () => {
  it("passes all bytes both ways, in order, also more than the sockets hold", async () => {
    await using ends = await startEnds();
    ends.proxy.setTarget(ends.target);
    const { client, far } = await ends.open();
    client.write(big);
    far.write("answer");
    await eventually(() => ends.text(far)?.length === big.length && ends.text(client) === "answer");
    expect(ends.text(far)).toBe(big);
    expect(ends.proxy.connections).toBe(1);
  });

  it("ends one side when the other has ended, after what that wrote last", async () => {
    await using ends = await startEnds();
    ends.proxy.setTarget(ends.target);
    const { client, far } = await ends.open();
    far.end(big);
    await once(client, "close");
    expect(ends.text(client)?.length).toBe(big.length);
    await eventually(() => ends.proxy.connections === 0);
  });

  it("cuts connections while there is no target, and where nobody listens", async () => {
    await using ends = await startEnds();
    await once(ends.dial(), "close");
    ends.proxy.setTarget(1);
    await once(ends.dial(), "close");
    ends.proxy.setTarget(ends.target);
    await ends.open();
    ends.proxy.setTarget(undefined);
    await once(ends.dial(), "close");
    expect(ends.arrived).toHaveLength(1);
  });

  it("cuts both ends of all connections, and says how many there were", async () => {
    await using ends = await startEnds();
    ends.proxy.setTarget(ends.target);
    const pairs = [await ends.open(), await ends.open()];
    const closed = pairs.flatMap(({ client, far }) => [once(client, "close"), once(far, "close")]);
    expect(ends.proxy.cut()).toBe(2);
    await Promise.all(closed);
    expect(ends.proxy.cut()).toBe(0);
  });

  it.each(["requests", "answers"] as const)(
    "loses %s only, on new connections too, until it cuts",
    async (direction) => {
      await using ends = await startEnds();
      ends.proxy.setTarget(ends.target);
      const first = await ends.open();
      ends.proxy.lose(direction);
      for (const { client, far } of [first, await ends.open()]) {
        client.write("request");
        far.write("answer");
        const [reached, lost] = direction === "answers" ? [far, client] : [client, far];
        await eventually(() => ends.text(reached) !== "");
        expect(ends.text(lost)).toBe("");
      }
      await eventually(() => ends.proxy.lostBytes === 2 * direction.slice(0, -1).length);
      expect(ends.proxy.cut()).toBe(2);
      expect(ends.proxy.lostBytes).toBe(0);
      const { client, far } = await ends.open();
      client.write("again");
      far.write("again");
      await eventually(() => ends.text(client) === "again" && ends.text(far) === "again");
    },
  );

  it.each(["requests", "answers"] as const)(
    "cuts after so many bytes of %s, in the middle of what was written",
    async (direction) => {
      await using ends = await startEnds();
      ends.proxy.setTarget(ends.target);
      const { client, far } = await ends.open();
      const [from, to] = direction === "requests" ? [client, far] : [far, client];
      const cut = ends.proxy.cutAfter(direction, 7);
      to.write("what goes the other way does not count");
      from.write("0123");
      await eventually(() => ends.text(to) === "0123" && ends.text(from)?.length === 38);
      expect(ends.proxy.connections).toBe(1);
      from.write("456789");
      await Promise.all([cut, once(client, "close"), once(far, "close")]);
      expect(ends.text(to)).toBe("0123456");
      expect(await ends.open()).toBeDefined();
    },
  );

  it("resolves a cut that was planned when it cuts at once, or plans another", async () => {
    await using ends = await startEnds();
    ends.proxy.setTarget(ends.target);
    const { client } = await ends.open();
    const replaced = ends.proxy.cutAfter("requests", 1);
    const planned = ends.proxy.cutAfter("requests", 1_000);
    await replaced;
    client.write("nothing is cut by this");
    await eventually(() => ends.text(ends.arrived[0]) === "nothing is cut by this");
    expect(ends.proxy.cut()).toBe(1);
    await planned;
  });
});
