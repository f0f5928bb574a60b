import { createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failureOf } from "./failure-of.js";
import { ScriptedServers } from "./scripted-servers.js";

checkLeaks();

describe("the window of a session", () => {
  it("takes maxInFlight requests, and more only as the lowest are answered", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append");
    const calls = Array.from({ length: 7 }, () => register.append({}));
    await eventually(() => servers.numbers().length === 4);
    const [first, second, third] = servers.seen.filter(({ number }) => number > 0);
    // Out of order: responded-to stands still until the first is answered.
    third?.reply(20, "third");
    second?.reply(21, "second");
    expect([(await calls[2])?.value, (await calls[1])?.value]).toEqual(["third", "second"]);
    expect(servers.numbers()).toEqual([1, 2, 3, 4]);
    first?.reply(22, "first");
    expect((await calls[0])?.value).toBe("first");
    await eventually(() => servers.numbers().length === 7);
    expect(servers.numbers()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(servers.seen.at(-1)?.stamp).toMatchObject({ respondedTo: 3 });
    for (const one of servers.seen.filter(({ number }) => number > 3)) one.reply(20 + one.number);
    await Promise.all(calls);
  });

  it("sends what fits in the turn of the calls, in their order", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const register = createClient(Register, session);
    const calls = ["a", "b", "c"].map((key) => register.append({ key }));
    await Promise.all(calls);
    const keys = servers.seen
      .filter(({ number }) => number > 0)
      .map(({ payload }) => Buffer.from(payload).toString("latin1").at(-1));
    expect(keys).toEqual(["a", "b", "c"]);
  });

  it("lets so many calls wait, and refuses the next one", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.sessions.limits = { ...servers.sessions.limits, maxInFlight: 1 };
    await using session = await servers.open({ maxWaiting: 2 });
    const register = createClient(Register, session);
    servers.on("Append");
    const calls = [1, 2, 3].map(() => register.append({}));
    expect(await failureOf(register.append({}))).toMatchObject({
      code: Code.ResourceExhausted,
      reason: "SESSION_QUEUE_FULL",
    });
    servers.heal("Append");
    servers.sessions.apply(await servers.take("Append"));
    await Promise.all(calls);
    expect(servers.numbers()).toEqual([1, 2, 3]);
  });

  it("lets no call wait that is too large", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.sessions.limits = { ...servers.sessions.limits, maxInFlight: 1 };
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append");
    const first = register.append({});
    const error = await failureOf(register.append({ value: "x".repeat(1_001) }));
    expect(error.reason).toBe("REQUEST_TOO_LARGE");
    servers.sessions.apply(await servers.take("Append"));
    await first;
  });

  it("bounds the calls that wait for a server, reads among them", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open({ maxWaiting: 2 });
    const register = createClient(Register, session);
    servers.break(1, "down");
    await servers.take("LoginRegister");
    const reading = register.read({ key: "a" });
    await nextEvent(session, "failingOver");
    const writing = register.append({});
    expect(await failureOf(register.read({ key: "b" }))).toMatchObject({ reason: "SESSION_QUEUE_FULL" });
    servers.up(1);
    expect((await reading).value).toBe("read");
    expect((await writing).value).toBe("reply 1");
    await session.close();
  });

  it.each([
    {
      name: "signal",
      leave: () => {
        const controller = new AbortController();
        return { options: { signal: controller.signal }, now: () => controller.abort() };
      },
      code: Code.Canceled,
    },
    {
      name: "deadline",
      leave: () => ({ options: { timeoutMs: 10 }, now: () => {} }),
      code: Code.DeadlineExceeded,
    },
  ])("forgets a call whose $name ends while it waits", async ({ leave, code }) => {
    await using servers = await ScriptedServers.start(1);
    servers.sessions.limits = { ...servers.sessions.limits, maxInFlight: 1 };
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append");
    const first = register.append({ key: "1" });
    const { options, now } = leave();
    const second = register.append({ key: "2" }, options);
    const third = register.append({ key: "3" });
    now();
    expect((await failureOf(second)).code).toBe(code);
    servers.heal("Append");
    servers.sessions.apply(await servers.take("Append"));
    await Promise.all([first, third]);
    expect(servers.numbers()).toEqual([1, 2]);
    expect(Buffer.from(servers.seen.at(-1)?.payload ?? []).toString()).toContain("3");
  });

  it("goes on with a request whose caller has left after it had its number", async () => {
    await using servers = await ScriptedServers.start(2);
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append");
    const leaving = new AbortController();
    const call = register.append({ key: "1" }, { signal: leaving.signal });
    await servers.take("Append");
    const reason = new QuorateError(Code.Aborted, "enough");
    leaving.abort(reason);
    expect(await failureOf(call)).toBe(reason);
    servers.heal("Append");
    servers.break(1, "down");
    expect((await register.append({ key: "2" })).value).toBe("reply 2");
    expect(servers.numbers(2)).toEqual([1, 2]);
  });

  it.each([
    { name: "signal that has ended", options: { signal: AbortSignal.abort() }, code: Code.Canceled },
    { name: "time-out of 0", options: { timeoutMs: 0 }, code: Code.DeadlineExceeded },
  ])("sends nothing of a call with a $name", async ({ options, code }) => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const register = createClient(Register, session);
    expect((await failureOf(register.append({}, options))).code).toBe(code);
    expect((await failureOf(register.read({}, options))).code).toBe(code);
    await register.append({});
    expect(servers.seen.map(({ method }) => method)).toEqual(["LoginRegister", "Append"]);
    expect(servers.numbers()).toEqual([1]);
  });
});

/** Resolves once the session is in this state. */
async function nextEvent(
  session: { readonly events: AsyncIterable<{ readonly kind: string }> },
  kind: string,
) {
  for await (const event of session.events) if (event.kind === kind) return;
}
