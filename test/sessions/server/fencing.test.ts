import { describe, expect, it } from "vitest";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { refusedWith } from "./expected-answers.js";
import { newGate } from "./faulty-log.js";
import { append, pay, receiptOf, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

describe("what is in flight when a Register takes effect", () => {
  it("ends with SESSION_MISMATCH, has no effect, and is applied when it comes again under the new number", async () => {
    await using server = await SessionServer.start();
    await using other = await server.join();
    const holder = await server.open();
    const release = server.control.holdAppends();
    const fenced = [holder.request(1, append("a")), holder.request(2, append("b"))];
    await eventually(() => server.sessions.snapshot().inFlight === 2);
    const next = await other.connect();
    next.session = holder.session;
    await next.resume(2);
    // Before its own entries come through: their fate says nothing any more.
    expect(await Promise.all(fenced)).toEqual([
      refusedWith("SESSION_MISMATCH"),
      refusedWith("SESSION_MISMATCH"),
    ]);
    expect(server.sessions.snapshot().inFlight).toBe(0);
    release();
    await eventually(() => server.control.kinds.length > 0);
    expect(valueOf(await next.request(1, append("a")))).toBe("a");
    expect(valueOf(await next.request(2, append("b")))).toBe("ab");
    await eventually(() => server.appliedOp === other.appliedOp);
    expect(server.register.runs).toEqual(["a", "b"]);
  });

  it("goes on if the Register is the same one again, or took no effect", async () => {
    await using server = await SessionServer.start();
    const holder = await server.open();
    const apply = server.control.holdEntries();
    const request = holder.request(1, append("a"));
    const second = await server.connect();
    const again = second.open();
    const refused = second.register({ nonce: 7, previous: 999 });
    const fresh = second.register({ nonce: 8, previous: 0 });
    await eventually(() => server.control.kinds.filter((kind) => kind === "register").length === 4);
    const behind = holder.request(2, append("b"));
    await eventually(() => server.sessions.snapshot().inFlight === 2);
    apply();
    expect([valueOf(await request), valueOf(await behind)]).toEqual(["a", "ab"]);
    expect(await again).toBe(holder.session);
    expect(await refused).toEqual(refusedWith("SESSION_MISMATCH"));
    expect(await fresh).toEqual(refusedWith("SESSION_MISMATCH"));
  });

  it("also ends if the session had ended, and the client has a new one", async () => {
    await using server = await SessionServer.start();
    await using other = await server.join();
    const holder = await server.open();
    const release = server.control.holdAppends();
    const lost = holder.request(1, append("a"));
    await eventually(() => server.sessions.snapshot().inFlight === 1);
    const next = await other.connect();
    next.session = holder.session;
    expect((await next.unregister()).error).toBeUndefined();
    await next.open({ nonce: 2 });
    expect(await lost).toEqual(refusedWith("SESSION_MISMATCH"));
    release();
    expect(valueOf(await next.request(1, append("b")))).toBe("b");
    await eventually(() => server.appliedOp >= other.appliedOp);
    expect(server.register.runs).toEqual(["b"]);
  });

  it("ends when the own server applies the Register, whatever is between them in the log", async () => {
    await using server = await SessionServer.start();
    const holder = await server.open();
    const apply = server.control.holdEntries();
    const next = await server.connect();
    next.session = holder.session;
    const first = holder.request(1, append("a"));
    await eventually(() => server.sessions.snapshot().inFlight === 1);
    const resumed = next.resume(2);
    await eventually(() => server.control.kinds.at(-1) === "register");
    const second = holder.request(2, append("b"));
    await eventually(() => server.sessions.snapshot().inFlight === 2);
    apply();
    await resumed;
    // One was before the Register in the log, the other is behind it.
    expect(valueOf(await first)).toBe("a");
    expect(await second).toEqual(refusedWith("SESSION_MISMATCH"));
    expect(valueOf(await next.request(2, append("b")))).toBe("ab");
    expect(server.register.runs).toEqual(["a", "b"]);
  });

  it("is still answered on its stream if it was an intent: a result is exempt from the fence", async () => {
    const paying = newGate<{ text: string }>();
    await using server = await SessionServer.start({ pay: () => paying.promise });
    const holder = await server.open();
    const paid = holder.request(1, pay("a"));
    await eventually(() => server.sessions.snapshot().openIntents === 1);
    const next = await server.connect();
    next.session = holder.session;
    await next.resume(2);
    const again = next.request(1, pay("a"));
    await eventually(() => server.sessions.snapshot().counters.replayed === 1);
    paying.open({ text: "once" });
    expect(receiptOf(await paid)).toBe("once");
    expect(await again).toEqual(await paid);
  });
});

describe("a session that ended", () => {
  it("does not let a request run again that was applied before its eviction", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxSessions: 1 } } });
    const evicted = await server.open(1);
    const { session } = evicted;
    valueOf(await evicted.request(1, append("a")));
    await server.open(2);
    await eventually(() => evicted.evicted.length === 1);
    expect(evicted.evicted).toEqual([`${session}:CAPACITY`]);
    expect(await evicted.request(1, append("a"))).toEqual(refusedWith("NO_SESSION"));
    // It asks to go on with the session that it had; were it given an empty one, number 1 would run again.
    expect(await evicted.register({ nonce: 2, previous: session })).toEqual(refusedWith("NO_SESSION"));
    expect(await evicted.request(1, append("a"))).toEqual(refusedWith("NO_SESSION"));
    expect(server.register.runs).toEqual(["a"]);
  });

  it("ends what is in flight under it: its entries find no session", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const apply = server.control.holdEntries();
    const gone = client.unregister();
    await eventually(() => server.control.kinds.at(-1) === "unregister");
    const request = client.request(1, append("a"));
    await eventually(() => server.sessions.snapshot().inFlight === 1);
    apply();
    expect((await gone).error).toBeUndefined();
    expect(await request).toEqual(refusedWith("NO_SESSION"));
    expect(server.register.runs).toEqual([]);
  });

  it("answers who waits for its intent with OUTCOME_UNKNOWN, and runs it no second time", async () => {
    const paying = newGate<{ text: string }>();
    let runs = 0;
    const run = () => {
      runs += 1;
      return paying.promise;
    };
    await using server = await SessionServer.start({ pay: run });
    const client = await server.open();
    const paid = client.request(1, pay("a"));
    await eventually(() => server.sessions.snapshot().openIntents === 1);
    await client.unregister();
    expect(await paid).toEqual(refusedWith("OUTCOME_UNKNOWN"));
    paying.open({ text: "too late" });
    await eventually(() => server.sessions.snapshot().runningHandlers === 0);
    expect(await client.request(1, pay("a"))).toEqual(refusedWith("NO_SESSION"));
    expect(runs).toBe(1);
  });
});
