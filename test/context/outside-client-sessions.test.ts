import { createClient } from "quorate";
import { contextSession } from "quorate/context";
import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import type { OpenSessionOptions } from "../../src/sessions/client/session.js";
import { unmanaged } from "../../src/sessions/client/unmanaged.js";
import { tokenCredentials } from "../../src/sessions/credentials/credentials.js";
import { Register } from "../gen/register/v1/register_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { fast, ScriptedServers } from "../sessions/client/scripted-servers.js";
import { Places } from "./places.js";

checkLeaks();

/** Options of a session whose callbacks note where they run. */
function noting(places: Places): OpenSessionOptions {
  return {
    ...fast,
    credentials: () => {
      places.note("credentials");
      return tokenCredentials("secret");
    },
    journal: async () => places.note("journal"),
    prefer: (a, b) => {
      places.note("prefer");
      return a.id - b.id;
    },
  };
}

const allOutside = { credentials: "outside", journal: "outside", prefer: "outside" };

describe("a client session serves others than its caller, and runs outside", () => {
  it("when it is opened, called, lost and closed in context sessions", async () => {
    await using servers = await ScriptedServers.start(2);
    const places = new Places();
    const configuration = await servers.connect();
    await contextSession.begin(async (opener) => {
      const session = await servers.openOn(configuration, noting(places));
      expect(contextSession.current()).toBe(opener);
      const register = createClient(Register, session);
      await contextSession.fork(async (caller) => {
        await Promise.all([register.append({}), register.append({})]);
        servers.on("Append", () => {
          servers.heal("Append");
          servers.break(1, "down");
        });
        await register.append({});
        expect(contextSession.current()).toBe(caller);
        await session.close();
      });
    });
    expect(servers.count("LoginRegister")).toBe(2);
    expect(places.seen).toEqual(allOutside);
  });

  it("when a call makes it go to another server, or register again there", async () => {
    await using servers = await ScriptedServers.start(2);
    const places = new Places();
    await using session = await servers.open(noting(places));
    const register = createClient(Register, session);
    servers.on("Append", (one) => {
      if (one.server === 2) servers.sessions.apply(one);
      else one.refuse("SERVER_CLOSING");
    });
    await contextSession.begin(() => register.append({}));
    servers.on("Append", (one) => {
      servers.heal("Append");
      one.refuse("SESSION_NOT_BOUND", Code.Unauthenticated);
    });
    await contextSession.begin(() => register.append({}));
    expect(servers.count("LoginRegister")).toBe(3);
    expect(places.seen).toEqual(allOutside);
  });

  it("when it is closed in a context session with something unanswered", async () => {
    await using servers = await ScriptedServers.start(2);
    const places = new Places();
    const session = await servers.open(noting(places));
    servers.on("Append");
    const call = createClient(Register, session)
      .append({})
      .catch(() => {});
    await servers.take("Append");
    servers.on("Unregister", (one) => {
      servers.heal("Unregister");
      one.refuse("LOG_UNAVAILABLE");
    });
    await contextSession.begin(() => session.close({ abort: true }));
    await call;
    expect(servers.count("Unregister")).toBe(2);
    expect(places.seen).toEqual(allOutside);
  });
});

describe("unmanaged calls", () => {
  it("log in outside, for all who wait, and go on within", async () => {
    await using servers = await ScriptedServers.start(1);
    const places = new Places();
    const { credentials, backoff } = { ...fast, ...noting(places) };
    const configuration = await servers.connect();
    const target = unmanaged(configuration, {
      ...(credentials && { credentials }),
      ...(backoff && { backoff }),
    });
    const register = createClient(Register, target);
    let isIn = false;
    servers.on("Append", (one) => {
      if (isIn) one.reply(10);
      else one.refuse("NOT_AUTHENTICATED", Code.Unauthenticated);
    });
    servers.on("Login", (one) => {
      isIn = true;
      one.done();
    });
    const call = () =>
      contextSession.fork(async (session) => {
        await register.append({});
        return contextSession.current() === session;
      });
    expect(await contextSession.begin(() => Promise.all([call(), call()]))).toEqual([true, true]);
    expect(servers.count("Login")).toBe(1);
    await eventually(() => configuration.node(1).pendingCalls === 0);
    expect(places.seen).toEqual({ credentials: "outside" });
  });
});
