import { getEventListeners } from "node:events";
import { createClient, drop, skip } from "quorate";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { ClientInterceptor } from "../../../src/configuration/client-interceptor.js";
import type { AppendRequest, Value } from "../../gen/register/v1/register_pb.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failureOf } from "./failure-of.js";
import { ScriptedServers } from "./scripted-servers.js";

checkLeaks();

describe("a call of a session", () => {
  it("gives its caller the error of the handler, which is an answer", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const thrown = new QuorateError(Code.Unavailable, "no such account", { reason: "NO_SESSION" });
    servers.on("Append", (one) => {
      servers.heal("Append");
      one.throwAt(20, thrown);
    });
    const register = createClient(Register, session);
    const error = await failureOf(register.append({}));
    expect(error).toMatchObject({ code: Code.Unavailable, message: "no such account", reason: "NO_SESSION" });
    // The number is used, and the session goes on.
    await register.append({});
    expect(servers.numbers()).toEqual([1, 2]);
  });

  it.each(["ALREADY_ANSWERED", "REQUEST_REUSED"])("fails with %s, and its number is used", async (reason) => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    servers.on("Append", (one) => {
      servers.heal("Append");
      one.refuse(reason, Code.AlreadyExists);
    });
    const register = createClient(Register, session);
    expect(await failureOf(register.append({}))).toMatchObject({ reason });
    await register.append({});
    expect(servers.seen.map(({ stamp }) => stamp).at(-1)).toMatchObject({ request: 2, respondedTo: 1 });
  });

  it("is sent with its metadata behind the stamp, each time, and without its deadline", async () => {
    await using servers = await ScriptedServers.start(2);
    await using session = await servers.open();
    servers.on("Append", () => {
      servers.heal("Append");
      servers.break(1, "down");
    });
    await createClient(Register, session).append({}, { metadata: { trace: "a" }, timeoutMs: 5_000 });
    const sent = servers.seen.filter(({ method }) => method === "Append");
    expect(sent.map(({ metadata }) => metadata.entries().map(({ key }) => key))).toEqual([
      ["quorate-session", "trace"],
      ["quorate-session", "trace"],
    ]);
    expect(sent.map((one) => one.remainingMs())).toEqual([Infinity, Infinity]);
  });

  it("passes the interceptors once, however often it is sent", async () => {
    await using servers = await ScriptedServers.start(2);
    const told: string[] = [];
    const watch =
      <Request, Reply>(name: string): ClientInterceptor<Request, Reply> =>
      ({ method, metadata }) => {
        told.push(`${name} ${method} ${metadata.size}`);
        return {
          metadata: { [name]: "yes" },
          response: ({ ok, node }) => void told.push(`${name} ${ok} ${node.id}`),
        };
      };
    const configuration = await servers.connect({ clientInterceptors: [watch("connection")] });
    await using session = await servers.openOn(configuration);
    servers.on("Append", () => {
      servers.heal("Append");
      servers.break(1, "down");
    });
    const register = createClient(Register, session, { interceptors: [watch("client")] });
    await register.append({}, { interceptors: [watch("call")] });
    expect(told).toEqual([
      "connection register.v1.Register.Append 0",
      "client register.v1.Register.Append 1",
      "call register.v1.Register.Append 2",
      "connection true 2",
      "client true 2",
      "call true 2",
    ]);
    expect(servers.seen.at(-1)?.metadata.get("call")).toBe("yes");
  });

  it("is what interceptors make of it", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const register = createClient(Register, session);
    const mapped = await register.append(
      { key: "a" },
      {
        interceptors: [
          () => ({
            request: (request) => ({ ...request, key: "b" }),
            response: (response) => ({
              ...response,
              ...(response.ok && { value: { ...response.value, value: "c" } }),
            }),
          }),
        ],
      },
    );
    expect(mapped.value).toBe("c");
    expect(Buffer.from(servers.seen.at(-1)?.payload ?? []).toString()).toContain("b");
    const refused = new QuorateError(Code.PermissionDenied, "not today");
    const throwing: ClientInterceptor<AppendRequest, Value> = () => {
      throw refused;
    };
    expect(await failureOf(register.append({}, { interceptors: [throwing] }))).toBe(refused);
    const skipping = await failureOf(
      register.append({}, { interceptors: [() => ({ request: () => skip })] }),
    );
    expect(skipping.reason).toBe("SKIPPED");
    expect(servers.numbers()).toEqual([1]);
    const dropping = await failureOf(
      register.append({}, { interceptors: [() => ({ response: () => drop })] }),
    );
    expect(dropping.reason).toBe("SKIPPED");
    expect(servers.numbers()).toEqual([1, 2]);
  });

  it("shows interceptors the deadline that ended it", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    servers.on("Append");
    const codes: Code[] = [];
    const interceptor: ClientInterceptor<AppendRequest, Value> = () => ({
      response: (response) => void (response.ok || codes.push(response.error.code)),
    });
    const call = createClient(Register, session).append({}, { timeoutMs: 10, interceptors: [interceptor] });
    expect((await failureOf(call)).code).toBe(Code.DeadlineExceeded);
    (await servers.take("Append")).reply(20);
    await eventually(() => session.export().length === emptySessionBytes);
    expect(codes).toEqual([Code.DeadlineExceeded]);
  });

  it.each([
    { name: "a stamp of its own", options: { metadata: { "Quorate-Session": "x" } } },
    { name: "a read stamp of its own", options: { metadata: { "quorate-session-read": "x" } } },
    { name: "resend: false", options: { resend: false } },
    { name: "a time-out that is none", options: { timeoutMs: -1 } },
  ])("refuses $name", async ({ options }) => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const error = await failureOf(createClient(Register, session).append({}, options));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(servers.numbers()).toEqual([]);
  });

  it.each([
    { name: "maxRequestBytes", length: 1_001, reason: "REQUEST_TOO_LARGE" },
    { name: "maxMessageBytes of the connection", length: 400, reason: "MESSAGE_TOO_LARGE" },
  ])("that is above $name fails without a number", async ({ length, reason }) => {
    await using servers = await ScriptedServers.start(1);
    const configuration = await servers.connect({ maxMessageBytes: length === 400 ? 500 : 5_000 });
    await using session = await servers.openOn(configuration);
    const register = createClient(Register, session);
    const error = await failureOf(register.append({ value: "x".repeat(length) }));
    expect(error).toMatchObject({ code: Code.ResourceExhausted, reason });
    await register.append({});
    expect(servers.numbers()).toEqual([1]);
  });

  it("lets go of its signal", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const { signal } = new AbortController();
    await createClient(Register, session).append({}, { signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("that is a read has no number, and goes past requests that wait for a place", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.sessions.limits = { ...servers.sessions.limits, maxInFlight: 1 };
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append");
    const calls = [register.append({}), register.append({})];
    expect((await register.read({ key: "a" })).value).toBe("read");
    expect(servers.seen.at(-1)?.stamp).toMatchObject({ kind: "read", session: 10 });
    expect(servers.numbers()).toEqual([1]);
    servers.heal("Append");
    servers.sessions.apply(await servers.take("Append"));
    await Promise.all(calls);
  });
});

/** An exported session in which nothing is unanswered. */
const emptySessionBytes = 4 + 1 + 16 + 16 + 5 * 8 + 4 + 4;
