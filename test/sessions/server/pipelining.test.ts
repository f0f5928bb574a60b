import { describe, expect, it } from "vitest";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { refusedWith } from "./expected-answers.js";
import { newGate } from "./faulty-log.js";
import { append, echo, pay, receiptOf, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

describe("requests of one session that do not wait for each other", () => {
  it("are appended before any is applied, in their order", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const apply = server.control.holdEntries();
    const texts = Array.from({ length: 20 }, (_, at) => String.fromCharCode(97 + at));
    const answers = texts.map((text, at) => client.request(at + 1, append(text)));
    await eventually(() => server.sessions.snapshot().inFlight === 20);
    expect(server.register.runs).toEqual([]);
    apply();
    const values = (await Promise.all(answers)).map(valueOf);
    expect(values).toEqual(texts.map((_, at) => texts.slice(0, at + 1).join("")));
    expect(server.register.runs).toEqual(texts);
    expect(server.sessions.snapshot().inFlight).toBe(0);
  });

  it("do not hold up the other calls of the stream", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const apply = server.control.holdEntries();
    const waiting = [client.request(1, append("a")), client.request(2, append("b"))];
    expect((await client.call(echo("hello"))).error).toBeUndefined();
    apply();
    expect((await Promise.all(waiting)).map(valueOf)).toEqual(["a", "ab"]);
  });

  it("are answered behind a guarded one that still runs", async () => {
    const paying = newGate<{ text: string }>();
    await using server = await SessionServer.start({ pay: () => paying.promise });
    const client = await server.open();
    const paid = client.request(1, pay("a"));
    expect(valueOf(await client.request(2, append("b")))).toBe("b");
    expect(valueOf(await client.request(3, append("c")))).toBe("bc");
    paying.open({ text: "late" });
    expect(receiptOf(await paid)).toBe("late");
  });

  it("join on another stream of the same registration: one execution, each stream has its answer", async () => {
    await using server = await SessionServer.start();
    const first = await server.open();
    const second = await server.connect();
    const apply = server.control.holdEntries();
    const registers = server.control.appended.length;
    const bound = second.open();
    await eventually(() => server.control.appended.length === registers + 1);
    // Still bound, and behind the Register in the log.
    const before = first.request(1, append("a"));
    await eventually(() => server.sessions.snapshot().inFlight === 1);
    server.control.letThrough(1);
    await bound;
    const again = second.request(1, append("a"));
    await eventually(() => server.sessions.snapshot().counters.joined === 1);
    apply();
    expect(valueOf(await again)).toBe("a");
    expect(await before).toEqual(await again);
    expect(server.register.runs).toEqual(["a"]);
    expect(server.control.kinds.filter((kind) => kind === "request")).toHaveLength(1);
  });

  it("are answered, each once, when a client sends all that is unanswered again on another stream", async () => {
    await using server = await SessionServer.start();
    const first = await server.open();
    const apply = server.control.holdEntries();
    const texts = ["a", "b", "c"];
    const lost = texts.map((text, at) => first.request(at + 1, append(text)));
    await eventually(() => server.sessions.snapshot().inFlight === 3);
    await first.close();
    expect((await Promise.all(lost)).every((answer) => answer.lost)).toBe(true);
    const second = await server.connect();
    const registered = second.open();
    apply();
    expect(await registered).toBe(first.session);
    const answers = texts.map((text, at) => second.request(at + 1, append(text)));
    expect((await Promise.all(answers)).map(valueOf)).toEqual(["a", "ab", "abc"]);
    expect(server.register.runs).toEqual(texts);
  });

  it("of two sessions on one stream have numbers and windows of their own", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxInFlight: 1 } } });
    const one = await server.open(1);
    const two = one.another(2);
    await two.open();
    const [first, second] = [one.request(1, append("a")), two.request(1, append("b"))];
    expect([valueOf(await first), valueOf(await second)]).toEqual(["a", "ab"]);
    expect(await one.request(2, append("c"))).toEqual(refusedWith("WINDOW_FULL"));
    expect(valueOf(await two.request(2, append("d"), { respondedTo: 1 }))).toBe("abd");
    expect(server.sessions.snapshot()).toMatchObject({ boundClients: 2, streams: 1 });
  });

  it("go on when the stream is lost: each number that was given out ends as an entry", async () => {
    await using server = await SessionServer.start();
    const first = await server.open();
    const release = server.control.holdAppends();
    const lost = [first.request(1, append("a")), first.request(2, append("b"))];
    await eventually(() => server.sessions.snapshot().inFlight === 2);
    await first.close();
    await Promise.all(lost);
    release();
    await eventually(() => server.register.runs.length === 2);
    const second = await server.connect();
    second.session = first.session;
    await second.resume(2);
    const again = [second.request(1, append("a")), second.request(2, append("b"))];
    expect((await Promise.all(again)).map(valueOf)).toEqual(["a", "ab"]);
    expect(server.register.runs).toEqual(["a", "b"]);
  });
});
