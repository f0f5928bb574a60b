import { afterEach, describe, expect, it, vi } from "vitest";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { refusedWith } from "./expected-answers.js";
import { newGate } from "./faulty-log.js";
import type { RawAnswer } from "./raw-session-client.js";
import { append, pay, read, receiptOf, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

const useFakeClock = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });

/** Answers that came by now, others being undefined. */
function byNow(answers: readonly Promise<RawAnswer>[]): (RawAnswer | undefined)[] {
  const seen: (RawAnswer | undefined)[] = answers.map(() => undefined);
  for (const [at, answer] of answers.entries()) void answer.then((came) => seen.splice(at, 1, came));
  return seen;
}

/** Lets the time pass, and what is due then be told. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  for (let at = 0; at < 3; at++) await turn();
}

describe("a wait", () => {
  it("for the own entry, or for that of another, ends after maxWaitMs with RETRY; the entry goes on", async () => {
    useFakeClock();
    await using server = await SessionServer.start();
    const client = await server.open();
    const apply = server.control.holdEntries();
    const first = client.request(1, append("a"));
    await eventually(() => server.sessions.snapshot().inFlight === 1);
    await pass(20_000);
    const joined = client.request(1, append("a"));
    await eventually(() => server.sessions.snapshot().counters.joined === 1);
    const seen = byNow([first, joined]);
    await pass(9_900);
    expect(seen).toEqual([undefined, undefined]);
    await pass(200);
    expect(seen).toEqual([refusedWith("RETRY"), undefined]);
    // It is in flight still: who comes again joins.
    const again = client.request(1, append("a"));
    await eventually(() => server.sessions.snapshot().counters.joined === 2);
    await pass(20_000);
    expect(seen[1]).toEqual(refusedWith("RETRY"));
    apply();
    expect(valueOf(await again)).toBe("a");
    expect(server.register.runs).toEqual(["a"]);
  });

  it("for a result ends after maxWaitMs with RETRY; the handler goes on, and its result is the answer", async () => {
    useFakeClock();
    const paying = newGate<{ text: string }>();
    await using server = await SessionServer.start({ pay: () => paying.promise });
    const client = await server.open();
    const first = client.request(1, pay("a"));
    await eventually(() => server.sessions.snapshot().openIntents === 1);
    await pass(29_900);
    const seen = byNow([first]);
    await turn();
    expect(seen).toEqual([undefined]);
    await pass(200);
    expect(seen).toEqual([refusedWith("RETRY")]);
    const again = client.request(1, pay("a"));
    await eventually(() => server.sessions.snapshot().counters.replayed === 1);
    paying.open({ text: "once" });
    expect(receiptOf(await again)).toBe("once");
  });

  it("for a barrier ends after maxWaitMs with LOG_UNAVAILABLE, and lets the next request of the stream start", async () => {
    useFakeClock();
    await using server = await SessionServer.start();
    const client = await server.open();
    const answerTail = server.control.holdTail();
    const tails = server.control.tails;
    const gap = client.request(2, append("b"));
    const behind = client.request(1, append("a"));
    await eventually(() => server.control.tails > tails);
    const seen = byNow([gap, behind]);
    await pass(29_900);
    expect(seen).toEqual([undefined, undefined]);
    await pass(200);
    expect(seen[0]).toEqual(refusedWith("LOG_UNAVAILABLE"));
    expect(valueOf(await behind)).toBe("a");
    answerTail();
  });

  it("of a read for what its session has seen ends after maxWaitMs with RETRY", async () => {
    useFakeClock();
    const local = { replicate: { consistency: { read: "local" } } } as const;
    await using server = await SessionServer.start(local);
    const client = await server.open();
    const ahead = client.read(read(), { lastOp: server.appliedOp + 1_000 });
    const seen = byNow([ahead]);
    await turn();
    await pass(29_900);
    expect(seen).toEqual([undefined]);
    await pass(200);
    expect(seen).toEqual([refusedWith("RETRY")]);
  });

  it("of a call without a session ends after maxWaitMs with OUTCOME_UNKNOWN: it may still be applied", async () => {
    useFakeClock();
    await using server = await SessionServer.start();
    const client = await server.connect();
    const apply = server.control.holdEntries();
    const call = client.call(append("a"));
    await eventually(() => server.control.kinds.at(-1) === "call");
    await pass(30_100);
    expect(await call).toEqual(refusedWith("OUTCOME_UNKNOWN"));
    apply();
    await eventually(() => server.register.runs.length === 1);
  });

  it("is as long as the server's option says", async () => {
    useFakeClock();
    await using server = await SessionServer.start({ sessions: { maxWaitMs: 500 } });
    const client = await server.open();
    const apply = server.control.holdEntries();
    const request = client.request(1, append("a"));
    await eventually(() => server.sessions.snapshot().inFlight === 1);
    await pass(600);
    expect(await request).toEqual(refusedWith("RETRY"));
    apply();
  });
});
