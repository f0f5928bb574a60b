import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Authenticator, User } from "../../../src/sessions/credentials/authenticate.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { byNothing, loginReason } from "./login-users.js";
import { append, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets everybody in, and says of each whether it may stay as the test does. */
class Door implements Authenticator {
  readonly asked: string[] = [];
  next = 0;
  expiresAtMs: number | undefined;
  stays: (user: User) => boolean | Promise<boolean> = () => true;

  authenticate = () => ({ id: `user ${(this.next += 1)}`, expiresAtMs: this.expiresAtMs });

  stillValid = (user: User) => {
    this.asked.push(user.id);
    return this.stays(user);
  };
}

/** A server on which clients have logged in and registered. */
async function open(door: Door, clients = 1) {
  const server = await SessionServer.start({ sessions: { authenticate: door } });
  const opened = [];
  for (let at = 1; at <= clients; at += 1) {
    const client = await server.connect({ client: at });
    await client.login(byNothing);
    await client.open();
    opened.push(client);
  }
  door.asked.splice(0);
  const [first] = opened;
  if (first === undefined) throw new Error("unreachable");
  return { server, clients: opened, client: first, [Symbol.asyncDispose]: () => server.close() };
}

describe("users who are logged in", () => {
  it("are asked after every 30 seconds, and stay for as long as they may", async () => {
    const door = new Door();
    await using one = await open(door, 2);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(door.asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(door.asked).toEqual(["user 1", "user 2"]);
    await vi.advanceTimersByTimeAsync(30_500);
    expect(door.asked).toHaveLength(4);
    expect(valueOf(await one.client.request(1, append("a")))).toBe("a");
  });

  it.each<[string, (door: Door) => void]>([
    [
      "are deactivated",
      (door) => {
        door.stays = ({ id }) => id !== "user 1";
      },
    ],
    [
      "are not known to a hook that fails",
      (door) => {
        door.stays = ({ id }) => {
          if (id !== "user 1") return true;
          throw new Error("db is down");
        };
      },
    ],
    [
      "are not known to a hook that rejects",
      (door) => {
        door.stays = async ({ id }) => {
          if (id === "user 1") throw new Error("db is down");
          return true;
        };
      },
    ],
  ])("lose their stream and what is bound on it when they %s", async (_, happens) => {
    const door = new Door();
    await using one = await open(door, 2);
    happens(door);
    await vi.advanceTimersByTimeAsync(30_500);
    const { server, client } = one;
    expect(server.sessions.snapshot()).toMatchObject({ boundClients: 1, sessions: 2, streams: 2 });
    const loggedOut = server.events.filter(({ kind }) => kind === "loggedOut");
    expect(loggedOut).toMatchObject([{ user: "user 1" }]);
    for (const { error } of [
      await client.request(1, append("a")),
      await client.read(append("a")),
      await client.keepAlive(),
      await client.register({ nonce: 1 }),
    ]) {
      expect(error?.reason).toBe("NOT_AUTHENTICATED");
    }
    expect(one.clients[1]?.evicted).toEqual([]);
    expect(valueOf(await (one.clients[1] ?? client).request(1, append("b")))).toBe("b");
    // Who logs in again goes on with the same session.
    door.stays = () => true;
    door.next = 0;
    expect(await loginReason(client, byNothing)).toBeUndefined();
    expect((await client.request(1, append("a"))).error?.reason).toBe("SESSION_NOT_BOUND");
    const { session } = client;
    expect(await client.open({ nonce: 1 })).toBe(session);
    expect(valueOf(await client.request(1, append("a")))).toBe("ba");
  });

  it("do not stay if nobody says so in time, and hold up nobody else", async () => {
    const door = new Door();
    await using one = await open(door, 3);
    door.stays = ({ id }) => (id === "user 1" ? new Promise(() => {}) : id !== "user 3");
    await vi.advanceTimersByTimeAsync(30_500);
    expect(one.server.events.filter(({ kind }) => kind === "loggedOut")).toMatchObject([{ user: "user 3" }]);
    await vi.advanceTimersByTimeAsync(30_500);
    expect(one.server.events.filter(({ kind }) => kind === "loggedOut")).toMatchObject([
      { user: "user 3" },
      { user: "user 1" },
    ]);
    door.asked.splice(0);
    await vi.advanceTimersByTimeAsync(30_500);
    expect(door.asked).toEqual(["user 2"]);
  });

  it("are asked after when they register", async () => {
    const door = new Door();
    await using one = await open(door);
    door.stays = () => false;
    expect((await one.client.register({ nonce: 1 })).error?.reason).toBe("NOT_AUTHENTICATED");
    expect(door.asked).toEqual(["user 1"]);
    expect(one.server.sessions.snapshot()).toMatchObject({ boundClients: 0 });
  });

  it("are gone when their time is over", async () => {
    const door = new Door();
    door.expiresAtMs = Date.now() + 20_000;
    await using one = await open(door);
    expect(valueOf(await one.client.request(1, append("a")))).toBe("a");
    await vi.advanceTimersByTimeAsync(30_500);
    expect(door.asked).toEqual([]);
    expect((await one.client.request(2, append("a"))).error?.reason).toBe("NOT_AUTHENTICATED");
  });

  it("may log in anew while they are asked after, which counts", async () => {
    const door = new Door();
    await using one = await open(door);
    let answer: (stays: boolean) => void = () => {};
    door.stays = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    await vi.advanceTimersByTimeAsync(30_500);
    expect(door.asked).toHaveLength(1);
    door.next = 0;
    expect(await loginReason(one.client, byNothing)).toBeUndefined();
    answer(false);
    await vi.advanceTimersByTimeAsync(10);
    expect(valueOf(await one.client.request(1, append("a")))).toBe("a");
    expect(one.server.events.some(({ kind }) => kind === "loggedOut")).toBe(false);
  });

  it("do not keep a server from closing that is asked after them", async () => {
    const door = new Door();
    await using one = await open(door);
    door.stays = () => new Promise(() => {});
    await vi.advanceTimersByTimeAsync(30_500);
    expect(door.asked).toHaveLength(1);
    await one.server.close();
    expect(one.server.events.some(({ kind }) => kind === "loggedOut")).toBe(false);
  });
});
