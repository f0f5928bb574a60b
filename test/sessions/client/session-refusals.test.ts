import { createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failureOf } from "./failure-of.js";
import { present } from "./present.js";
import { ScriptedServers } from "./scripted-servers.js";
import { registerOf } from "./scripted-sessions.js";

checkLeaks();

describe("a refusal", () => {
  it("of all requests of the window makes it send them again once, in order", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.sessions.limits = { ...servers.sessions.limits, maxInFlight: 16 };
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append", (one) => {
      if (one.number === 16) servers.heal("Append");
      one.refuse("RETRY");
    });
    await Promise.all(Array.from({ length: 16 }, () => register.append({})));
    const all = Array.from({ length: 16 }, (_, at) => at + 1);
    expect(servers.numbers()).toEqual([...all, ...all]);
  });

  it("that comes late, for what was sent again since, does not make it send once more", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append");
    const calls = [register.append({}), register.append({})];
    await eventually(() => servers.numbers().length === 2);
    const [first, second] = servers.seen.filter(({ number }) => number > 0);
    first?.refuse("RETRY");
    await eventually(() => servers.numbers().length === 4);
    // A gap before the lowest would end it, if it were not of before.
    servers.sessions.apply(present(servers.seen.at(-2)));
    await calls[0];
    second?.refuse("REQUEST_GAP", Code.OutOfRange);
    servers.sessions.apply(present(servers.seen.at(-1)));
    await calls[1];
    expect(servers.numbers()).toEqual([1, 2, 1, 2]);
  });

  it("holds back what is new until all is sent again", async () => {
    await using servers = await ScriptedServers.start(1);
    const configuration = await servers.connect();
    await using session = await servers.openOn(configuration);
    const register = createClient(Register, session);
    servers.on("Append", (one) => {
      servers.heal("Append");
      one.refuse("LOG_UNAVAILABLE");
    });
    const call = register.append({});
    await eventually(() => servers.numbers().length === 1 && configuration.nodes[0]?.pendingCalls === 0);
    await Promise.all([call, register.append({})]);
    expect(servers.numbers()).toEqual([1, 1, 2]);
  });

  it.each(["LOG_UNAVAILABLE", undefined])(
    "three times in a row, %s, makes it go to another server",
    async (reason) => {
      await using servers = await ScriptedServers.start(2);
      await using session = await servers.open();
      servers.on("Append", (one) => {
        if (one.server === 2) servers.sessions.apply(one);
        else one.refuse(reason, Code.ResourceExhausted);
      });
      await createClient(Register, session).append({});
      expect(servers.numbers(1)).toEqual([1, 1, 1]);
      expect(servers.numbers(2)).toEqual([1]);
    },
  );

  it("is tried for ever at a server that is alone, without registering anew", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    servers.on("Append", (one) => {
      if (servers.numbers().length === 8) servers.heal("Append");
      one.refuse("WINDOW_FULL", Code.ResourceExhausted);
    });
    await createClient(Register, session).append({});
    expect(servers.numbers()).toHaveLength(9);
    expect(servers.count("LoginRegister")).toBe(1);
  });

  it("counts anew once something was answered", async () => {
    await using servers = await ScriptedServers.start(2);
    await using session = await servers.open();
    const register = createClient(Register, session);
    for (let at = 0; at < 3; at++) {
      let refused = 0;
      servers.on("Append", (one) => {
        if (++refused === 2) servers.heal("Append");
        one.refuse("RETRY");
      });
      await register.append({});
    }
    expect(servers.numbers(2)).toEqual([]);
  });

  it.each(["SERVER_CLOSING", "SESSIONS_STOPPED"])("with %s makes it go at once", async (reason) => {
    await using servers = await ScriptedServers.start(2);
    await using session = await servers.open();
    servers.on("Append", (one) => {
      servers.heal("Append");
      one.refuse(reason);
    });
    await createClient(Register, session).append({});
    expect(servers.numbers(1)).toEqual([1]);
    expect(servers.numbers(2)).toEqual([1]);
  });

  it.each(["SESSION_NOT_BOUND", "NOT_AUTHENTICATED"])(
    "with %s makes it register there again, with the same nonce and number",
    async (reason) => {
      await using servers = await ScriptedServers.start(2);
      await using session = await servers.open();
      servers.on("Append", (one) => {
        servers.heal("Append");
        one.refuse(reason, Code.Unauthenticated);
      });
      await createClient(Register, session).append({});
      const registers = servers.seen.filter(({ method }) => method === "LoginRegister");
      const [first, second] = registers.map(registerOf);
      expect(second).toMatchObject({ nonce: first?.nonce, previous: first?.previous });
      expect(registers.map(({ server }) => server)).toEqual([1, 1]);
      expect(servers.seen.at(-1)?.stamp).toMatchObject({ session: 10, request: 1 });
    },
  );

  it("with SESSION_NOT_BOUND again and again makes it back off, and go to another server", async () => {
    await using servers = await ScriptedServers.start(2);
    await using session = await servers.open();
    servers.on("Append", (one) => {
      if (one.server === 2) servers.sessions.apply(one);
      else one.refuse("SESSION_NOT_BOUND", Code.Unauthenticated);
    });
    await createClient(Register, session).append({});
    expect(servers.numbers(1)).toEqual([1, 1, 1]);
    expect(servers.numbers(2)).toEqual([1]);
  });

  it("of a read makes it read again", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    servers.on("Read", (one) => {
      servers.heal("Read");
      one.refuse("RETRY");
    });
    expect((await createClient(Register, session).read({ key: "a" })).value).toBe("read");
    expect(servers.count("Read")).toBe(2);
  });

  it("of a read makes it read again, though requests were sent again since it was sent", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Read", () => servers.heal("Read"));
    servers.on("Append", (one) => {
      servers.heal("Append");
      one.refuse("RETRY");
    });
    const reading = register.read({});
    const read = await servers.take("Read");
    await register.append({});
    expect(servers.numbers()).toEqual([1, 1]);
    read.refuse("RETRY");
    expect((await reading).value).toBe("read");
    expect(servers.count("Read")).toBe(2);
  });

  it("by the own full send queue makes it send again, on the same stream", async () => {
    await using servers = await ScriptedServers.start(2);
    const configuration = await servers.connect({ maxQueuedCalls: 1 });
    await using session = await servers.openOn(configuration);
    const register = createClient(Register, session);
    const calls = Array.from({ length: 8 }, () => register.append({}));
    expect((await Promise.all(calls)).map(({ value }) => value)).toContain("reply 8");
    expect(servers.count("LoginRegister")).toBe(1);
  });

  it("for a gap before the lowest number ends the session", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    servers.on("Append", (one) => one.refuse("REQUEST_GAP", Code.OutOfRange));
    expect(await failureOf(createClient(Register, session).append({}))).toMatchObject({
      code: Code.Aborted,
      reason: "OUTCOME_UNKNOWN",
      cause: { reason: "REQUEST_GAP" },
    });
  });

  it("for a gap elsewhere heals", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const register = createClient(Register, session);
    servers.on("Append", (one) => {
      if (one.number === 2) {
        servers.heal("Append");
        one.refuse("REQUEST_GAP", Code.OutOfRange);
      }
    });
    const calls = [register.append({}), register.append({})];
    expect((await Promise.all(calls)).map(({ value }) => value)).toEqual(["reply 1", "reply 2"]);
    expect(servers.numbers()).toEqual([1, 2, 1, 2]);
  });
});
