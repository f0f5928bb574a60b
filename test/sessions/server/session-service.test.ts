import * as fc from "fast-check";
import { Code } from "quorate";
import { describe, expect, it } from "vitest";
import { encodeMessage } from "../../../src/service/message-codec.js";
import { wireName } from "../../../src/service/quorate-service.js";
import { SessionService } from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { fromHex } from "../../../src/sessions/hex.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { id } from "../table/test-table.js";
import { append, echo, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

const { login, register, loginRegister, keepAlive, unregister, evicted } = SessionService.method;

describe("KeepAlive", () => {
  it("is an entry: it tells what was consumed, and is answered with its op and the limits", async () => {
    await using server = await SessionServer.start({ sessions: { maxWaitMs: 6_000 } });
    const client = await server.open();
    await client.request(1, append("a"));
    const { message, op } = await client.keepAlive({ respondedTo: 1 });
    expect(message).toMatchObject({ limits: { maxInFlight: 64, maxWaitMs: 6_000, idleTimeoutMs: 600_000 } });
    expect(op).toBe(server.appliedOp);
    expect((await client.request(1, append("a"))).error?.reason).toBe("ALREADY_ANSWERED");
  });

  it.each([
    ["on a stream that is not bound", { session: 0 }, "SESSION_NOT_BOUND"],
    ["for a number that is too high", { session: 1 }, "SESSION_UNKNOWN"],
    ["for a client without a session", { client: 5 }, "NO_SESSION"],
  ])("is refused %s", async (_, parts, reason) => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const other = await server.connect();
    other.session = client.session;
    const raw = reason === "SESSION_NOT_BOUND" ? other : client;
    const session = client.session + ("session" in parts ? parts.session : 0);
    const { error, op } = await raw.keepAlive({ ...parts, session });
    expect(error?.reason).toBe(reason);
    expect(op).toBeUndefined();
  });

  it.each([
    ["taken over", "SESSION_MISMATCH"],
    ["unregistered", "NO_SESSION"],
  ])("whose session was %s before its entry came says so", async (what, reason) => {
    await using server = await SessionServer.start();
    await using another = await server.join();
    const client = await server.open();
    const other = await another.connect();
    other.session = client.session;
    const release = server.control.holdAppends();
    const kept = client.keepAlive();
    await eventually(() => server.control.kinds.includes("keepAlive"));
    if (what === "taken over") await other.resume(2);
    else await other.unregister();
    release();
    const { error, op } = await kept;
    expect(error?.reason).toBe(reason);
    expect(op).toBeUndefined();
  });

  it("is to be sent again if its append fails, or takes too long", async () => {
    await using server = await SessionServer.start({ sessions: { maxWaitMs: 20 } });
    const client = await server.open();
    const release = server.control.failAppends("not-appended", { times: 1 });
    expect((await client.keepAlive()).error).toMatchObject({
      code: Code.Unavailable,
      reason: "LOG_UNAVAILABLE",
    });
    release();
    const open = server.control.holdAppends();
    expect((await client.keepAlive()).error).toMatchObject({ code: Code.Unavailable, reason: "RETRY" });
    open();
    await eventually(async () => (await client.keepAlive()).error === undefined);
  });
});

describe("Unregister", () => {
  it("ends the session, and is answered with the op of its entry", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const { error, op } = await client.unregister();
    expect(error).toBeUndefined();
    expect(op).toBe(server.appliedOp);
    expect(server.sessions.snapshot()).toMatchObject({ sessions: 0, boundClients: 0 });
    expect((await client.request(1, append("x"))).error?.reason).toBe("NO_SESSION");
  });

  it.each([
    ["has ended", { client: 7 }],
    ["has another number by now", { session: 1 }],
    ["has no such number yet", { session: 1_000 }],
  ])("of a session that %s is a success, and changes nothing", async (_, parts) => {
    await using server = await SessionServer.start();
    const client = await server.open();
    await client.resume(2);
    const { error, op } = await client.unregister(parts);
    expect(error).toBeUndefined();
    expect(op).toBeUndefined();
    expect(server.control.kinds).not.toContain("unregister");
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
  });

  it("that loses against a resume ends nothing, and is a success", async () => {
    await using server = await SessionServer.start();
    await using another = await server.join();
    const client = await server.open();
    const other = await another.connect();
    other.session = client.session;
    const release = server.control.holdAppends();
    const left = client.unregister();
    await eventually(() => server.control.kinds.includes("unregister"));
    await other.resume(2);
    release();
    const { error, op } = await left;
    expect(error).toBeUndefined();
    expect(op).toBeUndefined();
    expect(valueOf(await other.request(1, append("a")))).toBe("a");
  });
});

describe("the session service", () => {
  it("answers garbage with an error, each time, and the stream lives", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const bytes = { client: fromHex(id(1)), nonce: fromHex(id(2)) };
    const registration = { ...bytes, previous: 0n };
    const valid = [
      encodeMessage(login.input, { credentials: { case: "password", value: { user: "a", password: "b" } } }),
      encodeMessage(register.input, registration),
      encodeMessage(loginRegister.input, { login: {}, register: registration }),
      encodeMessage(keepAlive.input, { client: bytes.client, session: 3n, respondedTo: 1n }),
    ];
    // Cut, or with one byte changed.
    const damaged = fc
      .tuple(fc.constantFrom(...valid), fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean())
      .map(([payload, at, value, cut]) => {
        const index = at % payload.length;
        return cut ? payload.slice(0, index) : Uint8Array.from(payload).fill(value, index, index + 1);
      });
    const payloads = fc.oneof(fc.uint8Array({ maxLength: 64 }), damaged);
    const methods = fc.constantFrom(login, register, loginRegister, keepAlive, unregister, evicted);
    const codes = new Set<number | undefined>();
    await fc.assert(
      fc.asyncProperty(methods, payloads, async (method, payload) => {
        const { error, lost } = await client.call({ method: wireName(method), payload });
        codes.add(error?.code);
        return (
          !lost && (error === undefined || (error.code !== Code.Internal && error.code !== Code.Unknown))
        );
      }),
      { numRuns: 600 },
    );
    expect(codes).toContain(Code.InvalidArgument);
    expect((await client.call(echo("x"))).error).toBeUndefined();
    expect(server.sessions.stopped.aborted).toBe(false);
  });

  it("does not serve Evicted", async () => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    const { error } = await client.call({ method: wireName(evicted), payload: new Uint8Array() });
    expect(error?.code).toBe(Code.Unimplemented);
  });

  it("refuses everything once the sessions have stopped, and says why", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    server.control.log.faults.tail = async () => 1;
    await client.call({ ...append("x"), method: "register.v1.Register.Read" });
    expect(server.sessions.stopped.aborted).toBe(true);
    expect(server.sessions.stopped.reason).toMatchObject({ reason: "LOG_REGRESSED" });
    for (const { error } of [
      await client.register(),
      await client.keepAlive(),
      await client.unregister(),
      await client.login({ case: undefined }),
      await client.request(1, append("a")),
    ]) {
      expect(error).toMatchObject({ code: Code.Unavailable, reason: "SESSIONS_STOPPED" });
    }
    expect((await client.call(echo("x"))).error).toBeUndefined();
    expect(server.events).toContainEqual({ kind: "stopped", error: server.sessions.stopped.reason as Error });
  });
});
