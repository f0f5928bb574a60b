import { Code, createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { stampKey } from "../../../src/sessions/stamp.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { refusedWith } from "./expected-answers.js";
import type { RawAnswer } from "./raw-session-client.js";
import { append, read, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

/** What came of it by now: undefined while it waits. */
function watched(answer: Promise<RawAnswer>): { answer: RawAnswer | undefined } {
  const seen: { answer: RawAnswer | undefined } = { answer: undefined };
  void answer.then((came) => {
    seen.answer = came;
  });
  return seen;
}

describe("a server that lags behind", () => {
  it("does not say that there is no session before it has caught up", async () => {
    await using fast = await SessionServer.start();
    await using slow = await fast.join();
    const catchUp = slow.control.holdEntries();
    const tails = slow.control.tails;
    const client = await fast.open();
    valueOf(await client.request(1, append("a")));
    const elsewhere = await slow.connect();
    elsewhere.session = client.session;
    const request = elsewhere.request(2, append("b"));
    const seen = watched(request);
    await eventually(() => slow.control.tails > tails);
    await turn();
    expect(seen.answer).toBeUndefined();
    catchUp();
    // It knows the session now, and the stream is not bound to it.
    expect(await request).toEqual(refusedWith("SESSION_NOT_BOUND"));
  });

  it("does not say that a number is unknown before it has caught up", async () => {
    await using fast = await SessionServer.start();
    const first = await fast.open();
    await using slow = await fast.join();
    const catchUp = slow.control.holdEntries();
    const tails = slow.control.tails;
    await first.resume(2);
    const elsewhere = await slow.connect();
    elsewhere.session = first.session;
    const answers = Promise.all([
      elsewhere.request(1, append("a")),
      elsewhere.read(read()),
      elsewhere.keepAlive(),
    ]);
    await eventually(() => slow.control.tails > tails);
    catchUp();
    expect(await answers).toEqual([
      refusedWith("SESSION_NOT_BOUND"),
      refusedWith("SESSION_NOT_BOUND"),
      refusedWith("SESSION_NOT_BOUND"),
    ]);
  });

  it("does not speak of a gap before it has caught up: the request before was applied elsewhere", async () => {
    await using fast = await SessionServer.start();
    await using slow = await fast.join();
    const client = await fast.open();
    const elsewhere = await slow.connect();
    // The very same registration: the number stays, and both streams are bound, each at its server.
    expect(await elsewhere.open()).toBe(client.session);
    const catchUp = slow.control.holdEntries();
    const tails = slow.control.tails;
    valueOf(await client.request(1, append("a")));
    const second = elsewhere.request(2, append("b"));
    await eventually(() => slow.control.tails > tails);
    catchUp();
    expect(valueOf(await second)).toBe("ab");
    expect(slow.register.runs).toEqual(fast.register.runs);
  });

  it("makes one barrier for a request at most, and checks from the first row again after it", async () => {
    await using fast = await SessionServer.start();
    await using slow = await fast.join();
    const catchUp = slow.control.holdEntries();
    const tails = slow.control.tails;
    const client = await fast.open();
    const created = client.session;
    const elsewhere = await slow.connect();
    elsewhere.session = created;
    const request = elsewhere.request(5, append("e"));
    await eventually(() => slow.control.tails === tails + 1);
    // Row 2 asked for the barrier; row 4 is what is found after it.
    await client.resume(2);
    catchUp();
    expect(await request).toEqual(refusedWith("SESSION_MISMATCH"));
    expect(slow.control.tails).toBe(tails + 1);
  });

  it("answers what it knows without a barrier", async () => {
    await using fast = await SessionServer.start();
    await using slow = await fast.join();
    const client = await fast.open();
    const first = await client.request(1, append("a"));
    const elsewhere = await slow.connect();
    await elsewhere.open();
    await slow.control.log.tail();
    const catchUp = slow.control.holdEntries();
    const tails = slow.control.tails;
    expect(await elsewhere.request(1, append("a"))).toEqual(first);
    expect(await elsewhere.request(1, append("x"))).toEqual(refusedWith("REQUEST_REUSED"));
    expect(await elsewhere.request(99, append("x"))).toEqual(refusedWith("WINDOW_FULL"));
    expect(slow.control.tails).toBe(tails);
    catchUp();
  });

  it("refuses with LOG_UNAVAILABLE what the log cannot answer for, and nothing else", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const repair = server.control.failTail();
    expect(await client.request(2, append("b"))).toEqual(refusedWith("LOG_UNAVAILABLE"));
    expect(await client.request(1, append("x"), { client: 9 })).toEqual(refusedWith("LOG_UNAVAILABLE"));
    expect(await client.read(read(), { client: 9 })).toEqual(refusedWith("LOG_UNAVAILABLE"));
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
    repair();
    expect(valueOf(await client.request(2, append("b")))).toBe("ab");
  });

  it("holds the stream for the barrier: what comes behind it is checked behind it", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const answered: number[] = [];
    const note = (request: number) => (answer: RawAnswer) => {
      answered.push(request);
      return answer;
    };
    const answer = server.control.holdTail();
    const tails = server.control.tails;
    const gap = client.request(2, append("b")).then(note(2));
    const first = client.request(1, append("a")).then(note(1));
    await eventually(() => server.control.tails === tails + 1);
    await turn();
    expect(server.control.kinds).not.toContain("request");
    answer();
    expect(await gap).toEqual(refusedWith("REQUEST_GAP"));
    expect(valueOf(await first)).toBe("a");
    expect(answered).toEqual([2, 1]);
  });

  it("goes on with the next request of the stream when the caller of the one in the barrier has given up", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const answer = server.control.holdTail();
    const tails = server.control.tails;
    const controller = new AbortController();
    const metadata = { [stampKey]: client.stamp(2) };
    const { signal } = controller;
    const gap = createClient(Register, client.node).append({ value: "b" }, { metadata, signal });
    await eventually(() => server.control.tails === tails + 1);
    const behind = client.request(1, append("a"));
    controller.abort();
    await expect(gap).rejects.toMatchObject({ code: Code.Canceled });
    expect(valueOf(await behind)).toBe("a");
    answer();
  });
});
