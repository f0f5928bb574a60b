import { createMemoryTransport } from "quorate/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { append, pay, read, receiptOf, valueOf, write } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const checked = { sessions: { checkEvery: 1 } } as const;

/** Resolves once all have applied the same. */
function settled(...servers: readonly SessionServer[]): Promise<void> {
  return eventually(() => new Set(servers.map(({ appliedOp }) => appliedOp)).size === 1);
}

describe("servers of one log", () => {
  it("that start at once on an empty one get the same cluster", async () => {
    const [network, store] = [createMemoryTransport(), createMemoryLogStore()];
    const servers = await Promise.all(
      ["a", "b", "c"].map((serverId) => SessionServer.start({ network, store, sessions: { serverId } })),
    );
    const clusters = servers.map(({ sessions }) => sessions.snapshot().clusterId);
    expect(new Set(clusters).size).toBe(1);
    const [one, two] = servers;
    const client = await one?.open();
    valueOf(await (client?.request(1, append("a")) ?? Promise.reject(new Error("no server"))));
    await eventually(() => two?.register.value("k") === "a");
    await Promise.all(servers.map((server) => server.close()));
  });

  it("do not start with other limits, and take those that they leave out from the log", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxInFlight: 7 } } });
    await expect(server.join({ sessions: { limits: { maxInFlight: 8 } } })).rejects.toMatchObject({
      reason: "LIMITS_DIFFER",
    });
    await using other = await server.join({ sessions: { limits: { maxSessions: 4_096 } } });
    expect(other.sessions.snapshot().limits).toEqual(server.sessions.snapshot().limits);
    expect(other.sessions.snapshot().limits.maxInFlight).toBe(7);
  });

  it("have the same state whatever the batches in which they read it: each Check finds it", async () => {
    await using one = await SessionServer.start(checked);
    await using two = await one.join(checked);
    const [ann, bob] = [await one.open(1), await two.open(2)];
    const catchUp = two.control.holdEntries();
    for (let at = 1; at <= 5; at++) valueOf(await ann.request(at, append(String(at))));
    receiptOf(await ann.request(6, pay("six")));
    two.control.letThrough(3);
    await one.open(3);
    const slow = [bob.request(1, append("b")), bob.request(2, write("w"))];
    catchUp();
    await Promise.all(slow);
    await ann.unregister();
    await settled(one, two);
    await using three = await one.join({ sessions: { checkEvery: 1, serverId: "third" } });
    await settled(one, two, three);
    const client = await three.open(4);
    expect(valueOf(await client.read(read()))).toBe("w");
    await settled(one, two, three);
    for (const { sessions, register } of [one, two, three]) {
      expect(sessions.stopped.aborted).toBe(false);
      expect(sessions.snapshot()).toMatchObject({ sessions: 3, openIntents: 0 });
      expect(register.snapshot()).toEqual(one.register.snapshot());
    }
    expect(one.control.kinds.filter((kind) => kind === "check").length).toBeGreaterThan(5);
  });

  it("stop where a state machine has gone its own way", async () => {
    await using one = await SessionServer.start(checked);
    await using two = await one.join(checked);
    two.register.onAppend = () => ({ value: "not what the others answer" });
    const client = await one.open();
    valueOf(await client.request(1, append("a")));
    await eventually(() => one.sessions.stopped.aborted || two.sessions.stopped.aborted);
    const [stopped] = [one, two].filter(({ sessions }) => sessions.stopped.aborted);
    expect(stopped?.sessions.stopped.reason).toMatchObject({ reason: "STATE_DIVERGED" });
  });

  it("expire nobody because of a wrong clock, and give handlers a time that never goes back", async () => {
    const now = vi.spyOn(Date, "now").mockReturnValue(1_700_000_000_000);
    await using server = await SessionServer.start();
    const client = await server.open();
    valueOf(await client.request(1, append("a")));
    for (const wrong of [4_000_000_000_000, 0, 1_800_000_000_000]) {
      now.mockReturnValue(wrong);
      await client.keepAlive();
      const other = await server.open(2);
      await other.unregister();
    }
    valueOf(await client.request(2, append("b")));
    const times = server.register.contexts.map(({ timestampMs }) => timestampMs);
    expect(times).toEqual([1_700_000_000_000, 4_000_000_000_000]);
    expect(server.control.kinds).not.toContain("expire");
    expect(server.control.kinds).not.toContain("tick");
    expect(server.sessions.snapshot().sessions).toBe(1);
  });

  it("expire who is idle by the log's age, and nobody who is not", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const limits = { idleTimeoutMs: 100_000, guardTimeoutMs: 10_000, tickMs: 15_000 };
    await using server = await SessionServer.start({ sessions: { limits } });
    const idle = await server.open(1);
    const busy = await server.open(2);
    let request = 0;
    while (idle.evicted.length === 0) {
      vi.advanceTimersByTime(1_000);
      request += 1;
      valueOf(await busy.request(request, append("x"), { respondedTo: request - 1 }));
      if (request > 200) throw new Error("the session is still there");
    }
    expect(idle.evicted).toEqual([`${idle.session}:EXPIRED`]);
    expect(request).toBeGreaterThanOrEqual(100);
    expect(server.sessions.snapshot().sessions).toBe(1);
  });
});

describe("a reply of a kept request", () => {
  it("is the same at every server, also at one that starts from a snapshot", async () => {
    await using one = await SessionServer.start({ sessions: { snapshotEvery: 5 } });
    const client = await one.open();
    const answers = [];
    for (let at = 1; at <= 12; at++) answers.push(await client.request(at, append(String(at))));
    await eventually(() => one.events.filter(({ kind }) => kind === "snapshotSaved").length >= 2);
    await using two = await one.join();
    expect(two.register.runs.length).toBeLessThan(12);
    const elsewhere = await two.connect();
    elsewhere.session = client.session;
    await elsewhere.resume(2);
    const again = [];
    for (let at = 1; at <= 12; at++) again.push(await elsewhere.request(at, append(String(at))));
    expect(again).toEqual(answers);
  });
});
