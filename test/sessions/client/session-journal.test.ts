import { createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { restoreSession } from "../../../src/sessions/client/restore-session.js";
import { decodeSession } from "../../../src/sessions/client/session-bytes.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failureOf } from "./failure-of.js";
import { present } from "./present.js";
import { fast, ScriptedServers } from "./scripted-servers.js";

checkLeaks();

/** A journal that stores when it is told to, and what it was given. */
class ManualJournal {
  readonly records: ReturnType<typeof decodeSession>[] = [];
  readonly bytes: Uint8Array[] = [];
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  isManual = false;

  readonly write = (bytes: Uint8Array): Promise<void> | undefined => {
    this.bytes.push(bytes);
    this.records.push(decodeSession(bytes));
    if (this.#waiting !== undefined) throw new Error("the journal is called while it writes");
    if (!this.isManual) return undefined;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  };

  async settle(error?: Error): Promise<void> {
    await eventually(() => this.#waiting !== undefined, "a writing");
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(error);
  }

  numbers(): number[][] {
    return this.records.map(({ unanswered }) => unanswered.map(({ request }) => request));
  }
}

describe("a journal", () => {
  it("is written before the session is open", async () => {
    await using servers = await ScriptedServers.start(1);
    const journal = new ManualJournal();
    journal.isManual = true;
    let isOpen = false;
    const opening = servers.open({ journal: journal.write }).then((session) => {
      isOpen = true;
      return session;
    });
    await eventually(() => journal.records.length === 1);
    expect(isOpen).toBe(false);
    expect(journal.records).toMatchObject([{ session: 10, created: 10, next: 1 }]);
    await journal.settle();
    await (await opening).close();
  });

  it("is written before a number is sent for the first time, once for all that wait", async () => {
    await using servers = await ScriptedServers.start(1);
    const journal = new ManualJournal();
    await using session = await servers.open({ journal: journal.write });
    journal.isManual = true;
    const register = createClient(Register, session);
    const calls = [register.append({})];
    await eventually(() => journal.records.length === 2);
    calls.push(register.append({}), register.append({}));
    // No number before there is a place for it in the journal.
    expect(journal.numbers()).toEqual([[], [1]]);
    expect(servers.numbers()).toEqual([]);
    servers.on("Append");
    await journal.settle();
    await eventually(() => journal.records.length === 3);
    await eventually(() => servers.numbers().length === 1);
    expect(journal.numbers().at(-1)).toEqual([1, 2, 3]);
    servers.heal("Append");
    await journal.settle();
    servers.sessions.apply(await servers.take("Append"));
    await Promise.all(calls);
    expect(servers.numbers()).toEqual([1, 2, 3]);
  });

  it("that is being written gives no number to a call, so that one that leaves leaves no trace", async () => {
    await using servers = await ScriptedServers.start(1);
    const journal = new ManualJournal();
    await using session = await servers.open({ journal: journal.write });
    journal.isManual = true;
    const register = createClient(Register, session);
    const first = register.append({ key: "1" });
    const leaving = new AbortController();
    const second = failureOf(register.append({ key: "2" }, { signal: leaving.signal }));
    leaving.abort();
    expect((await second).code).toBe(Code.Canceled);
    await journal.settle();
    journal.isManual = false;
    await first;
    await register.append({ key: "3" });
    expect(servers.numbers()).toEqual([1, 2]);
    expect(Buffer.from(present(servers.seen.at(-1)).payload).toString()).toContain("3");
  });

  it("is written after each registration, before anything is sent again", async () => {
    await using servers = await ScriptedServers.start(2);
    const journal = new ManualJournal();
    await using session = await servers.open({ journal: journal.write });
    servers.on("Append");
    const call = createClient(Register, session).append({});
    await servers.take("Append");
    journal.isManual = true;
    servers.heal("Append");
    servers.break(1, "down");
    await eventually(() => journal.records.length === 3);
    expect(journal.records.at(-1)).toMatchObject({ session: 11, created: 10 });
    // Reads need no record; a request would have come before it.
    await createClient(Register, session).read({});
    expect(servers.numbers(2)).toEqual([]);
    await journal.settle();
    await call;
    expect(servers.numbers(2)).toEqual([1]);
  });

  it("that was being written when the session registered is written once more", async () => {
    await using servers = await ScriptedServers.start(2);
    const journal = new ManualJournal();
    await using session = await servers.open({ journal: journal.write });
    journal.isManual = true;
    const call = createClient(Register, session).append({});
    await eventually(() => journal.records.length === 2);
    servers.break(1, "down");
    await eventually(() => servers.sessions.session === 11);
    await nextBound(session, 11);
    await journal.settle();
    await eventually(() => journal.records.length === 3);
    expect(journal.records.at(-1)).toMatchObject({ session: 11, next: 2 });
    await createClient(Register, session).read({});
    expect(servers.numbers()).toEqual([]);
    await journal.settle();
    await call;
    expect(servers.numbers()).toEqual([1]);
  });

  it("that fails ends the session: what stands in it may be sent by whoever restores it, the rest was not applied", async () => {
    await using servers = await ScriptedServers.start(1);
    const journal = new ManualJournal();
    const session = await servers.open({ journal: journal.write });
    journal.isManual = true;
    const register = createClient(Register, session);
    const numbered = failureOf(register.append({}));
    const waiting = failureOf(register.append({}));
    const full = new Error("the disk is full");
    await journal.settle(full);
    const cause = { code: Code.Internal, reason: "JOURNAL_FAILED", cause: full };
    expect(await numbered).toMatchObject({ reason: "OUTCOME_UNKNOWN", cause });
    expect(await waiting).toMatchObject({ reason: "NO_SESSION", cause });
    expect(servers.numbers()).toEqual([]);
    // At the servers it goes on: what was stored last, or perhaps was, finishes the request.
    expect(servers.count("Unregister")).toBe(0);
    const configuration = await servers.connect();
    await using restored = await restoreSession(configuration, present(journal.bytes.at(-1)), fast);
    await restored.recovered[0]?.reply;
    expect(servers.numbers()).toEqual([1]);
  });

  it.each([
    { name: "rejects", journal: () => Promise.reject(new Error("full")) },
    {
      name: "throws",
      journal: () => {
        throw new Error("full");
      },
    },
  ])("that $name at once fails the opening", async ({ journal }) => {
    await using servers = await ScriptedServers.start(1);
    expect(await failureOf(servers.open({ journal }))).toMatchObject({ reason: "JOURNAL_FAILED" });
  });

  it("that never ends fails the opening in time", async () => {
    await using servers = await ScriptedServers.start(1);
    const opening = servers.open({ journal: () => new Promise(() => {}), timeoutMs: 30 });
    expect((await failureOf(opening)).code).toBe(Code.DeadlineExceeded);
  });

  it("holds no credentials and no metadata", async () => {
    await using servers = await ScriptedServers.start(1);
    const journal = new ManualJournal();
    const { tokenCredentials } = await import("../../../src/sessions/credentials/credentials.js");
    await using session = await servers.open({
      journal: journal.write,
      credentials: tokenCredentials("geheim"),
    });
    await createClient(Register, session).append({ value: "inside" }, { metadata: { note: "beside" } });
    const texts = journal.bytes.map((bytes) => Buffer.from(bytes).toString("latin1"));
    expect(texts.at(-1)).toContain("inside");
    for (const text of texts) expect(text).not.toMatch(/geheim|beside/);
  });
});

async function nextBound(
  session: { readonly events: AsyncIterable<{ readonly kind: string; readonly session?: number }> },
  number: number,
) {
  for await (const event of session.events) if (event.session === number) return;
}
