import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { TcpListener } from "../../internal/transport/tcp-listener.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { hasIpv6 } from "./has-ipv6.js";

checkLeaks();

const loopbacks = hasIpv6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"];

/** What the names resolve to; the last address, of the range for documentation, is not of this host. */
const names = new Map([
  ["all.test", [...loopbacks, "203.0.113.1"]],
  ["twice.test", ["127.0.0.1", "127.0.0.1"]],
  ["elsewhere.test", ["203.0.113.1", "203.0.113.2"]],
]);

vi.mock("node:dns/promises", () => ({
  lookup: async (name: string) => names.get(name)?.map((address) => ({ address })),
}));

describe("TcpListener", () => {
  it("listens on every address of the name that is of this host, on one port", async () => {
    const accepted: Socket[] = [];
    const { listener, port } = await TcpListener.bind("all.test", 0, (socket) => accepted.push(socket));
    const clients = loopbacks.map((host) => connect(port, host));
    await Promise.all(clients.map((client) => once(client, "connect")));
    await eventually(() => accepted.length === loopbacks.length, "the connections");
    expect(accepted.map((socket) => socket.localPort)).toEqual(loopbacks.map(() => port));
    listener.destroy();
    await eventually(() => clients.every((client) => client.closed), "their end");
    await listener.stop();
  });

  it("takes an address that is named twice for one", async () => {
    const { listener, port } = await TcpListener.bind("twice.test", 0, (socket) => socket.end());
    expect(port).toBeGreaterThan(0);
    await listener.stop();
  });

  it("fails with the first reason if it can listen nowhere", async () => {
    await expect(TcpListener.bind("elsewhere.test", 0, () => {})).rejects.toThrow(
      /EADDRNOTAVAIL.*203\.0\.113\.1/,
    );
  });

  it("stops when the connections that it has have ended, and takes no other", async () => {
    const accepted: Socket[] = [];
    const { listener, port } = await TcpListener.bind("twice.test", 0, (socket) => accepted.push(socket));
    const client = connect(port, "127.0.0.1");
    await eventually(() => accepted.length === 1, "the connection");
    let stopped = false;
    const stop = listener.stop().then(() => {
      stopped = true;
    });
    const [refusal]: unknown[] = await once(connect(port, "127.0.0.1"), "error");
    expect(refusal).toMatchObject({ code: "ECONNREFUSED" });
    expect(stopped).toBe(false);
    client.destroy();
    await stop;
  });
});
