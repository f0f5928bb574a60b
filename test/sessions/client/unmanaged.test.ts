import { createClient } from "quorate";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { type UnmanagedOptions, unmanaged } from "../../../src/sessions/client/unmanaged.js";
import { tokenCredentials } from "../../../src/sessions/credentials/credentials.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failureOf } from "./failure-of.js";
import { fast, ScriptedServers } from "./scripted-servers.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

async function open(servers: ScriptedServers, options: UnmanagedOptions = {}) {
  const { prefer, backoff } = fast;
  const configuration = await servers.connect();
  return createClient(
    Register,
    unmanaged(configuration, { ...(prefer && { prefer }), ...(backoff && { backoff }), ...options }),
  );
}

describe("unmanaged", () => {
  it("calls without a stamp, with the metadata of the call", async () => {
    await using servers = await ScriptedServers.start(2);
    const register = await open(servers);
    expect((await register.append({}, { metadata: { trace: "a" } })).value).toBe("reply 0");
    expect((await register.read({})).value).toBe("read");
    expect(servers.seen.map(({ stamp }) => stamp.kind)).toEqual(["none", "none"]);
    expect(servers.seen[0]?.metadata.get("trace")).toBe("a");
    expect(servers.count("Login")).toBe(0);
  });

  it("calls one node", async () => {
    await using servers = await ScriptedServers.start(2);
    const configuration = await servers.connect();
    const register = createClient(Register, unmanaged(configuration.node(2)));
    await register.append({});
    expect(servers.seen.map(({ server }) => server)).toEqual([2]);
  });

  it("logs in where it is asked to, once for all who wait", async () => {
    await using servers = await ScriptedServers.start(1);
    const register = await open(servers, { credentials: tokenCredentials("geheim") });
    let isIn = false;
    servers.on("Append", (one) => {
      if (isIn) one.reply(10);
      else one.refuse("NOT_AUTHENTICATED", Code.Unauthenticated);
    });
    servers.on("Login", (one) => {
      isIn = true;
      one.done();
    });
    await Promise.all([register.append({}), register.append({}), register.append({})]);
    expect(servers.count("Login")).toBe(1);
    expect(servers.count("Append")).toBe(6);
  });

  it("fails with what the login is refused with, and if it does not help", async () => {
    await using servers = await ScriptedServers.start(1);
    const register = await open(servers, { credentials: tokenCredentials("geheim") });
    servers.on("Append", (one) => one.refuse("NOT_AUTHENTICATED", Code.Unauthenticated));
    expect(await failureOf(register.append({}))).toMatchObject({ reason: "NOT_AUTHENTICATED" });
    servers.on("Login", (one) => one.refuse("BAD_CREDENTIALS", Code.Unauthenticated));
    expect(await failureOf(register.append({}))).toMatchObject({ reason: "BAD_CREDENTIALS" });
  });

  it("sends no secrets over plain text to another host", async () => {
    await using servers = await ScriptedServers.start(1, "192.0.2.1");
    const register = await open(servers, { credentials: tokenCredentials("geheim") });
    servers.on("Append", (one) => one.refuse("NOT_AUTHENTICATED", Code.Unauthenticated));
    expect(await failureOf(register.append({}))).toMatchObject({ reason: "INSECURE_CREDENTIALS" });
    expect(servers.count("Login")).toBe(0);
  });

  it.each([
    { reason: "LOG_UNAVAILABLE", code: Code.Unavailable },
    { reason: "RETRY", code: Code.Unavailable },
    { reason: "REQUEST_QUEUE_FULL", code: Code.ResourceExhausted },
  ])("tries every server, and all again, after $reason", async ({ reason, code }) => {
    await using servers = await ScriptedServers.start(2);
    const register = await open(servers);
    servers.on("Append", (one) => {
      if (servers.count("Append") < 5) one.refuse(reason, code);
      else one.reply(10, "at last");
    });
    expect((await register.append({})).value).toBe("at last");
    expect(servers.seen.map(({ server }) => server)).toEqual([1, 2, 1, 2, 1]);
  });

  it("tries again when the stream is lost, also on the next stream of the same server", async () => {
    await using servers = await ScriptedServers.start(1);
    const register = await open(servers);
    servers.on("Append", () => {
      servers.heal("Append");
      servers.break(1);
    });
    await register.append({});
    expect(servers.count("Append")).toBe(2);
  });

  it.each([
    { name: "an error with an op", op: 10, code: Code.Unavailable, reason: "BUSY" },
    { name: "OUTCOME_UNKNOWN", op: undefined, code: Code.Aborted, reason: "OUTCOME_UNKNOWN" },
    { name: "REQUEST_TOO_LARGE", op: undefined, code: Code.ResourceExhausted, reason: "REQUEST_TOO_LARGE" },
    { name: "any other refusal", op: undefined, code: Code.PermissionDenied, reason: "NOT_YOURS" },
  ])("gives its caller $name, and tries no more", async ({ op, code, reason }) => {
    await using servers = await ScriptedServers.start(2);
    const register = await open(servers);
    const error = new QuorateError(code, "no", { reason });
    servers.on("Append", (one) => {
      if (op === undefined) one.fail(error);
      else one.throwAt(op, error);
    });
    expect(await failureOf(register.append({}))).toMatchObject({ code, reason });
    expect(servers.count("Append")).toBe(1);
  });

  it("ends with its deadline, which tells of the last failure, and tries no more", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    await using servers = await ScriptedServers.start(1);
    const register = await open(servers);
    servers.on("Append", (one) => one.refuse("RETRY"));
    const call = failureOf(register.append({}));
    await eventually(() => {
      vi.advanceTimersByTime(4);
      return servers.count("Append") > 1;
    });
    vi.advanceTimersByTime(30_000);
    expect(await call).toMatchObject({ code: Code.DeadlineExceeded, cause: { reason: "RETRY" } });
    await register.read({});
    const before = servers.count("Append");
    for (let at = 0; at < 3; at++) {
      vi.advanceTimersByTime(10_000);
      await register.read({});
    }
    expect(servers.count("Append")).toBe(before);
  });

  it("ends with its signal", async () => {
    await using servers = await ScriptedServers.start(1);
    const register = await open(servers);
    servers.on("Append");
    const leaving = new AbortController();
    const call = failureOf(register.append({}, { signal: leaving.signal }));
    leaving.abort();
    expect((await call).code).toBe(Code.Canceled);
  });

  it("fails once the connection is closed, also while it waits for a server", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.break(1, "down");
    const configuration = await servers.connect({}, 0);
    const register = createClient(Register, unmanaged(configuration));
    const waiting = failureOf(register.append({}));
    await configuration.close();
    expect(await waiting).toMatchObject({ code: Code.Unavailable, reason: "CLOSED" });
    expect(await failureOf(register.append({}))).toMatchObject({ reason: "CLOSED" });
  });

  it("refuses connections without sessionClient(), and options that are none", async () => {
    await using servers = await ScriptedServers.start(1);
    const without = await servers.connect({ extensions: [] });
    expect(() => unmanaged(without)).toThrow("sessionClient()");
    const configuration = await servers.connect();
    expect(() => unmanaged(configuration, { tryTimeoutMs: 0 })).toThrow("tryTimeoutMs");
    expect(() => unmanaged({} as never)).toThrow("only a configuration");
  });
});
