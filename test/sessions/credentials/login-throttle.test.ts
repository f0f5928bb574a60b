import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import {
  LoginThrottle,
  type LoginThrottleOptions,
} from "../../../src/sessions/credentials/login-throttle.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { thrownBy } from "../client/client-session.js";
import { ManualClock, peerOf } from "./login-peer.js";

/** A throttle whose first wait is 100 ms, after two failures of a user or four of a host. */
class Throttled {
  readonly clock = new ManualClock();
  readonly throttle: LoginThrottle;

  constructor(options: LoginThrottleOptions = {}) {
    this.throttle = new LoginThrottle({
      freeUserFailures: 2,
      freeAddressFailures: 4,
      firstDelayMs: 100,
      maxUserDelayMs: 1_000,
      maxAddressDelayMs: 8_000,
      forgetAfterMs: 60_000,
      clock: this.clock,
      ...options,
    });
  }

  /** How long a login has to wait; it ends in this way. */
  async login(
    user: string | undefined,
    host: string,
    outcome: "failed" | "succeeded" | "abandoned",
  ): Promise<number> {
    const before = this.clock.nowMs();
    const done: string[] = [];
    const login = this.throttle.begin(user, peerOf({ remoteAddress: `${host}:1` })).then((attempt) => {
      attempt[outcome]();
      done.push(outcome);
    });
    await turn();
    while (done.length === 0) {
      this.clock.advance(10);
      await turn();
    }
    await login;
    return this.clock.nowMs() - before;
  }

  async failures(user: string, hosts: readonly string[]): Promise<number[]> {
    const waits: number[] = [];
    for (const host of hosts) waits.push(await this.login(user, host, "failed"));
    return waits;
  }
}

const hosts = (count: number) => Array.from({ length: count }, (_, at) => `203.0.113.${at}`);
const same = (count: number) => hosts(count).fill("203.0.113.1");

describe("LoginThrottle", () => {
  checkLeaks();

  it("makes who fails wait twice as long each time, up to a limit: by user, from wherever it is tried", async () => {
    const throttled = new Throttled();
    expect(await throttled.failures("ann", hosts(8))).toEqual([0, 0, 100, 200, 400, 800, 1_000, 1_000]);
    expect(await throttled.login("bob", "203.0.113.99", "failed")).toBe(0);
  });

  it("does so by host, for whichever user it is tried", async () => {
    const throttled = new Throttled();
    const waits: number[] = [];
    for (let at = 0; at < 12; at++) waits.push(await throttled.login(`user${at}`, "203.0.113.1", "failed"));
    expect(waits).toEqual([0, 0, 0, 0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 8_000]);
    expect(await throttled.login("user99", "203.0.113.2", "failed")).toBe(0);
  });

  it("slows down credentials that name no user by host", async () => {
    const throttled = new Throttled();
    const waits: number[] = [];
    for (let at = 0; at < 6; at++) waits.push(await throttled.login(undefined, "203.0.113.1", "failed"));
    expect(waits).toEqual([0, 0, 0, 0, 100, 200]);
  });

  it("counts the time since the last failure", async () => {
    const throttled = new Throttled();
    await throttled.failures("ann", hosts(4));
    throttled.clock.advance(300);
    expect(await throttled.login("ann", "203.0.113.9", "failed")).toBe(100);
    throttled.clock.advance(10_000);
    expect(await throttled.login("ann", "203.0.113.8", "failed")).toBe(0);
  });

  it("forgets failures after a time without any", async () => {
    const throttled = new Throttled();
    await throttled.failures("ann", hosts(8));
    throttled.clock.advance(60_000);
    expect(await throttled.failures("ann", hosts(3))).toEqual([0, 0, 100]);
  });

  it("forgets those of the user after a success, but not those of the host", async () => {
    const throttled = new Throttled();
    await throttled.failures("ann", hosts(5));
    await throttled.login("ann", "198.51.100.1", "succeeded");
    expect(await throttled.failures("ann", hosts(2))).toEqual([0, 0]);

    const attacked = new Throttled();
    for (let at = 0; at < 4; at++) await attacked.login(`user${at}`, "203.0.113.1", "failed");
    await attacked.login("mallory", "203.0.113.1", "succeeded");
    await attacked.login("user9", "203.0.113.1", "failed");
    expect(await attacked.login("user9", "203.0.113.1", "failed")).toBe(200);
  });

  it("counts for nothing what was not checked", async () => {
    const throttled = new Throttled();
    for (let at = 0; at < 9; at++) await throttled.login("ann", "203.0.113.1", "abandoned");
    expect(throttled.throttle.counts).toEqual({
      users: 0,
      addresses: 0,
      known: 0,
      waiting: 0,
      waitingAddresses: 0,
    });
  });

  it("lets nobody gain by trying many at once", async () => {
    const { throttle, clock } = new Throttled();
    const begun = Array.from({ length: 6 }, () => throttle.begin("ann", peerOf()));
    const passed: number[] = [];
    begun.forEach((attempt, at) => void attempt.then(() => passed.push(at)));
    await turn();
    expect(passed).toEqual([0, 1]);
    clock.advance(100);
    await turn();
    expect(passed).toEqual([0, 1, 2]);
    clock.advance(100);
    await turn();
    expect(passed).toEqual([0, 1, 2, 3]);
    clock.advance(800);
    for (const attempt of await Promise.all(begun)) attempt.failed();
  });

  it("lets a user in within the longest wait, however many hosts try at the same time", async () => {
    const { throttle, clock } = new Throttled();
    const flood = () => {
      const host = `203.0.${Math.floor(clock.nowMs() / 10) % 250}.${clock.waiting % 250}:1`;
      return throttle.begin("ann", peerOf({ remoteAddress: host })).then(
        (attempt) => attempt.failed(),
        () => undefined,
      );
    };
    const attacks: Promise<void>[] = [];
    for (let at = 0; at < 50; at++) attacks.push(flood());
    let isIn = false;
    const login = throttle.begin("ann", peerOf({ remoteAddress: "198.51.100.1:1" })).then((attempt) => {
      isIn = true;
      attempt.succeeded();
    });
    for (let passedMs = 0; passedMs < 1_000; passedMs += 10) {
      attacks.push(flood());
      clock.advance(10);
      await turn();
    }
    expect(isIn).toBe(true);
    await login;
    clock.advance(10_000);
    await Promise.all(attacks);
  });

  it("does not slow a user down at a host that it has logged in from, whatever others do", async () => {
    const throttled = new Throttled();
    await throttled.login("ann", "198.51.100.1", "succeeded");
    await throttled.failures("ann", hosts(20));
    for (let at = 0; at < 6; at++) await throttled.login(`user${at}`, "198.51.100.1", "failed");
    expect(await throttled.login("ann", "198.51.100.1", "succeeded")).toBe(0);
  });

  it("takes many at once of a user from such a host, until one fails", async () => {
    const { throttle } = new Throttled();
    const home = peerOf({ remoteAddress: "198.51.100.1:1" });
    (await throttle.begin("ann", home)).succeeded();
    const many = await Promise.all(Array.from({ length: 30 }, () => throttle.begin("ann", home)));
    expect(many.every(({ isKnown }) => isKnown)).toBe(true);
    many[0]?.failed();
    await expect(throttle.begin("ann", { ...home, remainingMs: () => 1 })).rejects.toMatchObject({
      reason: "TOO_MANY_LOGINS",
    });
    for (const attempt of many) attempt.abandoned();
  });

  it("slows down who fails at such a host, too", async () => {
    const throttled = new Throttled();
    await throttled.login("ann", "203.0.113.1", "succeeded");
    expect(await throttled.failures("ann", same(5))).toEqual([0, 0, 100, 200, 400]);
    await throttled.login("ann", "203.0.113.1", "succeeded");
    expect(await throttled.failures("ann", same(3))).toEqual([0, 0, 100]);
  });

  it("refuses at once what would have to wait beyond its deadline", async () => {
    const throttled = new Throttled();
    await throttled.failures("ann", hosts(2));
    const late = throttled.throttle.begin("ann", peerOf({ remainingMs: 100 }));
    await expect(late).rejects.toMatchObject({ code: Code.ResourceExhausted, reason: "TOO_MANY_LOGINS" });
    expect(throttled.clock.waiting).toBe(0);
    // Nothing was tried, so that it does not count.
    expect(await throttled.login("ann", "203.0.113.9", "failed")).toBe(100);
  });

  it("stops the wait when nobody waits for the answer any more", async () => {
    const throttled = new Throttled();
    await throttled.failures("ann", hosts(2));
    const leaving = new AbortController();
    const login = throttled.throttle.begin("ann", peerOf({ signal: leaving.signal }));
    await turn();
    expect(throttled.throttle.counts.waiting).toBe(1);
    leaving.abort();
    await expect(login).rejects.toMatchObject({ code: Code.Canceled });
    expect(throttled.clock.waiting).toBe(0);
    expect(throttled.throttle.counts).toMatchObject({ waiting: 0, waitingAddresses: 0 });
    await expect(throttled.throttle.begin("ann", peerOf({ signal: leaving.signal }))).rejects.toMatchObject({
      code: Code.Canceled,
    });
  });

  it("counts for nothing what has left", async () => {
    const throttled = new Throttled();
    await throttled.failures("ann", hosts(2));
    for (let at = 0; at < 5; at++) {
      const leaving = new AbortController();
      const login = throttled.throttle.begin("ann", peerOf({ signal: leaving.signal }));
      leaving.abort();
      await expect(login).rejects.toMatchObject({ code: Code.Canceled });
    }
    expect(await throttled.login("ann", "203.0.113.9", "failed")).toBe(100);
  });

  it.each([
    {
      name: "in all",
      options: { maxWaiting: 2 },
      addresses: ["203.0.113.7:1", "203.0.113.8:1", "203.0.113.9:1"],
    },
    { name: "of one host", options: { maxWaitingPerAddress: 2 }, addresses: ["::7:1", "::8:1", "::9:1"] },
  ])("bounds how many wait $name", async ({ options, addresses }) => {
    const throttled = new Throttled(options);
    await throttled.failures("ann", hosts(2));
    const [one, two, three] = addresses.map((remoteAddress) =>
      throttled.throttle.begin("ann", peerOf({ remoteAddress })),
    );
    await expect(three).rejects.toMatchObject({ code: Code.ResourceExhausted, reason: "TOO_MANY_LOGINS" });
    throttled.clock.advance(10_000);
    for (const attempt of await Promise.all([one, two])) attempt?.failed();
    expect(throttled.throttle.counts.waiting).toBe(0);
  });

  it("bounds what it remembers, and forgets first who failed longest ago", async () => {
    const throttled = new Throttled({ maxTracked: 3, forgetAfterMs: 600_000 });
    const users = ["a", "b", "c", "d"];
    for (const user of users) await throttled.login(user, "198.51.100.1", "succeeded");
    for (const user of users) {
      for (const host of [`${user}.x`, `${user}.y`, `${user}.z`]) await throttled.login(user, host, "failed");
    }
    expect(throttled.throttle.counts).toMatchObject({ users: 3, addresses: 3, known: 3 });
    expect(await throttled.login("d", "203.0.113.1", "abandoned")).toBe(200);
    throttled.clock.advance(1);
    expect(await throttled.login("a", "203.0.113.2", "abandoned")).toBe(0);
  });

  it("forgets no attempt that is under way, and last who failed last", async () => {
    const throttled = new Throttled({ maxTracked: 2, forgetAfterMs: 600_000 });
    const underWay = await throttled.throttle.begin("a", peerOf({ remoteAddress: "a:1" }));
    await throttled.failures("b", hosts(3));
    await throttled.failures("c", hosts(3));
    underWay.failed();
    await throttled.failures("a", hosts(1));
    await throttled.failures("d", hosts(1));
    expect(throttled.throttle.counts.users).toBe(2);
    expect(await throttled.login("a", "198.51.100.7", "abandoned")).toBe(100);
  });

  it("waits by the monotonic clock of the process", async () => {
    const throttle = new LoginThrottle({ freeUserFailures: 1, firstDelayMs: 20 });
    const peer = peerOf();
    (await throttle.begin("ann", peer)).failed();
    const before = performance.now();
    (await throttle.begin("ann", peer)).failed();
    expect(performance.now() - before).toBeGreaterThanOrEqual(15);
  });

  it.each(["freeUserFailures", "firstDelayMs", "maxTracked", "maxWaiting"])("refuses a %s of 0", (name) => {
    const error = thrownBy(() => new LoginThrottle({ [name]: 0 }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.message).toContain(name);
  });
});
