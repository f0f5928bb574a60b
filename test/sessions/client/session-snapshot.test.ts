import { createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { restoreSession } from "../../../src/sessions/client/restore-session.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { fast, ScriptedServers } from "./scripted-servers.js";

checkLeaks();

describe("the snapshot of a session", () => {
  it("tells what is unanswered, and what waits for a place in the window", async () => {
    await using servers = await ScriptedServers.start(1);
    servers.sessions.limits = { ...servers.sessions.limits, maxInFlight: 2 };
    await using session = await servers.open();
    const register = createClient(Register, session);
    const { session: number } = session.snapshot();
    expect(number).toBe(servers.sessions.session);
    servers.on("Append");
    const calls = [1, 2, 3].map(() => register.append({}));
    await eventually(() => servers.numbers().length === 2);
    expect(session.snapshot()).toEqual({ session: number, unanswered: 2, waiting: 1, resent: 0 });
    servers.heal("Append");
    for (const one of servers.seen.filter((seen) => seen.number > 0)) servers.sessions.apply(one);
    await Promise.all(calls);
    expect(session.snapshot()).toEqual({ session: number, unanswered: 0, waiting: 0, resent: 0 });
  });

  it("counts each time that a request is written again, and not the first one", async () => {
    await using servers = await ScriptedServers.start(1);
    await using session = await servers.open();
    const register = createClient(Register, session);
    let refusals = 0;
    servers.on("Append", (one) => {
      if (one.number === 3 && ++refusals === 2) servers.heal("Append");
      one.refuse("RETRY");
    });
    await Promise.all([1, 2, 3].map(() => register.append({})));
    expect(servers.numbers()).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
    await register.append({});
    expect(session.snapshot().resent).toBe(6);
  });

  it("counts what a restored session sends of before as sent again", async () => {
    await using servers = await ScriptedServers.start(1);
    const session = await servers.open();
    servers.on("Append");
    const call = createClient(Register, session).append({});
    call.catch(() => {});
    await servers.take("Append");
    const bytes = session.export();
    servers.heal("Append");
    await using restored = await restoreSession(await servers.connect(), bytes, fast);
    await Promise.all(restored.recovered.map(({ reply }) => reply));
    await createClient(Register, restored).append({});
    expect(restored.snapshot()).toMatchObject({ unanswered: 0, resent: 1 });
    await session.close({ abort: true });
  });
});
