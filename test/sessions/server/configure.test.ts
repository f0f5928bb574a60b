import { Code } from "quorate";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../../calls/held-cluster.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

const invalid = { code: Code.InvalidArgument };

describe("Sessions.configure", () => {
  it("commits other limits for all servers, which clients hear of", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxInFlight: 2 } } });
    await using another = await server.join();
    await server.sessions.configure({ maxInFlight: 9 });
    const limits = await server.sessions.configure({ maxInFlight: undefined, maxSessions: 5_000 });
    expect(limits).toMatchObject({ maxInFlight: 9, maxSessions: 5_000 });
    await eventually(() => another.sessions.snapshot().limits.maxInFlight === 9);
    const client = await another.connect();
    expect((await client.register()).message?.limits).toMatchObject({ maxInFlight: 9 });
  });

  it("ends sessions that have no place any more, and tells their clients", async () => {
    await using server = await SessionServer.start();
    const first = await server.open(1);
    await server.open(2);
    await server.sessions.configure({ maxSessions: 1, maxSessionsPerUser: 1 });
    await eventually(() => first.evicted.length === 1);
    expect(first.evicted).toEqual([`${first.session}:CAPACITY`]);
  });

  it.each([
    { maxSessions: 0 },
    { maxSessionsPerUser: 5_000 },
    { tickMs: 400_000 },
    { maxRequestBytes: 5 * 2 ** 20 },
    { maxReplyBytes: 2 ** 31 },
  ])("refuses what contradicts or does not fit: %j", async (limits) => {
    await using server = await SessionServer.start();
    const before = server.appliedOp;
    expect(await rejectionOf(server.sessions.configure(limits))).toMatchObject(invalid);
    expect(server.appliedOp).toBe(before);
  });

  it("takes one of two that come at the same time", async () => {
    await using server = await SessionServer.start();
    await using another = await server.join();
    const results = await Promise.allSettled([
      server.sessions.configure({ maxInFlight: 7 }),
      another.sessions.configure({ maxInFlight: 8 }),
    ]);
    expect(results.map(({ status }) => status).sort((a, b) => a.localeCompare(b))).toEqual([
      "fulfilled",
      "rejected",
    ]);
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: Code.Aborted, reason: "CONFIGURE_LOST" },
    });
  });

  it("says that the log does not take it, or not in time", async () => {
    await using server = await SessionServer.start({ sessions: { maxWaitMs: 20 } });
    const unavailable = { code: Code.Unavailable, reason: "LOG_UNAVAILABLE" };
    const release = server.control.failAppends("not-appended");
    expect(await rejectionOf(server.sessions.configure({ maxInFlight: 7 }))).toMatchObject(unavailable);
    release();
    const open = server.control.holdAppends();
    expect(await rejectionOf(server.sessions.configure({ maxInFlight: 8 }))).toMatchObject(unavailable);
    open();
    await eventually(() => server.sessions.snapshot().limits.maxInFlight === 8);
  });
});
