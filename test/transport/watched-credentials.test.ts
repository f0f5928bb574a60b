import { Socket } from "node:net";
import { credentials } from "@grpc/grpc-js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { WatchedCredentials } from "../../internal/transport/watched-credentials.js";
import { checkLeaks } from "../helpers/leaks.js";

checkLeaks();

afterEach(() => {
  vi.useRealTimers();
});

function watch() {
  const watched = new WatchedCredentials(credentials.createInsecure());
  const target = { scheme: "dns", path: "127.0.0.1:1" };
  // What grpc-js calls on the credentials that it is given.
  return { watched, connector: Reflect.get(watched, "_createSecureConnector").call(watched, target, {}) };
}

describe("WatchedCredentials", () => {
  it("[J-22] refuses a connection that is there only after the channel was closed", async () => {
    const { watched, connector } = watch();
    watched.close();
    // grpc-js destroys a connection for which this rejects.
    await expect(connector.connect(new Socket())).rejects.toThrow("closed");
  });

  it("gives a connection a second after the channel was closed, and not longer", async () => {
    vi.useFakeTimers();
    const { watched, connector } = watch();
    const socket = new Socket();
    await expect(connector.connect(socket)).resolves.toMatchObject({ socket, secure: false });
    watched.close();
    vi.advanceTimersByTime(999);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(socket.destroyed).toBe(true);
  });

  it("lets a connection be that ends by itself", async () => {
    const { watched, connector } = watch();
    const socket = new Socket();
    await connector.connect(socket);
    watched.close();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.destroy();
    await closed;
    watched.close();
    expect(socket.closed).toBe(true);
  });

  it("are equal to themselves alone, so that no connection is shared", () => {
    const [one, other] = [watch().watched, watch().watched];
    const equals = (to: WatchedCredentials): unknown => Reflect.get(one, "_equals").call(one, to);
    expect([equals(one), equals(other)]).toEqual([true, false]);
  });
});
