import { fromBinary } from "@bufbuild/protobuf";
import { createClient } from "quorate";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { KeepAliveRequestSchema } from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { toHex } from "../../../src/sessions/hex.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failureOf } from "./failure-of.js";
import { lastEvent } from "./last-event.js";
import { present } from "./present.js";
import { ScriptedServers } from "./scripted-servers.js";
import { registerOf } from "./scripted-sessions.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

/** A third of the idle time-out. */
const thirdMs = 200_000;

describe("an open session", () => {
  it("says every third of the idle time-out that it is used, and what it has the answers of", async () => {
    await using servers = await ScriptedServers.start(1);
    const configuration = await servers.connect();
    await using session = await servers.openOn(configuration);
    await createClient(Register, session).append({});
    vi.advanceTimersByTime(thirdMs - 100);
    expect(servers.count("KeepAlive")).toBe(0);
    for (let at = 1; at <= 3; at++) {
      vi.advanceTimersByTime(at === 1 ? 200 : thirdMs + 10);
      const { payload, metadata } = await servers.take("KeepAlive");
      const message = fromBinary(KeepAliveRequestSchema, payload);
      const { client } = registerOf(present(servers.seen[0]));
      expect([toHex(message.client), message.session, message.respondedTo]).toEqual([client, 10n, 1n]);
      expect(metadata.size).toBe(0);
      await eventually(() => configuration.nodes[0]?.pendingCalls === 0);
    }
    expect(servers.count("KeepAlive")).toBe(3);
  });

  it("says it that long after the last answer to a request, and reads do not count", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const register = createClient(Register, session);
    vi.advanceTimersByTime(thirdMs - 100);
    await register.append({});
    vi.advanceTimersByTime(thirdMs - 100);
    // On the same stream, and so behind a KeepAlive if there was one.
    await register.read({ key: "a" });
    expect(servers.count("KeepAlive")).toBe(0);
    vi.advanceTimersByTime(200);
    await servers.take("KeepAlive");
    expect(servers.count("KeepAlive")).toBe(1);
  });

  it("takes the limits of the answer", async () => {
    await using servers = await ScriptedServers.start(1);
    const configuration = await servers.connect();
    await using session = await servers.openOn(configuration);
    servers.sessions.limits = {
      maxInFlight: 1,
      maxRequestBytes: 10,
      maxWaitMs: 30_000,
      idleTimeoutMs: 3_000,
    };
    vi.advanceTimersByTime(thirdMs + 10);
    await servers.take("KeepAlive");
    const register = createClient(Register, session);
    await eventually(() => configuration.nodes[0]?.pendingCalls === 0);
    const error = await failureOf(register.append({ value: "x".repeat(20) }));
    expect(error.reason).toBe("REQUEST_TOO_LARGE");
  });

  it("says it again when it was refused for now", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open();
    servers.on("KeepAlive", (one) => one.refuse("LOG_UNAVAILABLE"));
    vi.advanceTimersByTime(thirdMs + 10);
    for (let at = 0; at < 3; at++) {
      await servers.take("KeepAlive");
      await eventually(() => {
        vi.advanceTimersByTime(4);
        return servers.count("KeepAlive") === at + 2;
      });
    }
    servers.heal("KeepAlive");
    expect(servers.count("LoginRegister")).toBe(1);
    await session.close();
  });

  it("registers once more when the stream is not bound any more", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open();
    servers.on("KeepAlive", (one) => {
      servers.heal("KeepAlive");
      one.refuse("SESSION_NOT_BOUND", Code.Unauthenticated);
    });
    vi.advanceTimersByTime(thirdMs + 10);
    await eventually(() => servers.count("LoginRegister") === 2);
    const [first, second] = servers.seen.filter(({ method }) => method === "LoginRegister").map(registerOf);
    expect(second).toMatchObject({ nonce: first?.nonce, previous: 0 });
    await session.close();
  });

  it.each([
    { name: "there is no session any more", reason: "NO_SESSION" },
    { name: "another holder has it", reason: "SESSION_MISMATCH" },
  ])("ends when it hears that $name", async ({ reason }) => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open();
    servers.on("KeepAlive", (one) => one.refuse(reason, Code.FailedPrecondition));
    vi.advanceTimersByTime(thirdMs + 10);
    expect(await lastEvent(session)).toMatchObject({ kind: "ended", error: { reason } });
    vi.advanceTimersByTime(10 * thirdMs);
    expect(servers.count("KeepAlive")).toBe(1);
  });

  it("ends at limits that no server has", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open();
    servers.sessions.limits = { ...servers.sessions.limits, idleTimeoutMs: 0 };
    vi.advanceTimersByTime(thirdMs + 10);
    expect(await lastEvent(session)).toMatchObject({ error: { reason: "BAD_SESSION_ANSWER" } });
  });

  it("goes to another server when no KeepAlive is answered", async () => {
    await using servers = await ScriptedServers.start(2);
    const session = await servers.open();
    servers.on("KeepAlive");
    vi.advanceTimersByTime(thirdMs + 10);
    await servers.take("KeepAlive");
    vi.advanceTimersByTime(35_100);
    await eventually(() => servers.count("LoginRegister") === 2);
    expect(servers.seen.at(-1)?.server).toBe(2);
    await session.close();
  });
});
