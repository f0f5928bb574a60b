import { afterEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { checkLeaks } from "../helpers/leaks.js";
import { ScriptedChannel } from "../helpers/scripted-channel.js";
import { send } from "../helpers/test-call.js";
import { turn } from "../helpers/turn.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

const useFakeClock = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
const refused = new QuorateError(Code.Unavailable, "connection refused");

describe("OutboundChannel", () => {
  it("dials at once, without any call", async () => {
    const scripted = new ScriptedChannel();
    expect(scripted.attempts).toHaveLength(1);
    expect(scripted.channel).toMatchObject({ connected: false, pendingCalls: 0 });
    await scripted.up();
    expect(scripted.opened).toBe(1);
    expect(scripted.channel.connected).toBe(true);
    await scripted.close();
  });

  it("[LC-07] is connected when it tells that a stream is up, and no longer when it tells its end", async () => {
    const seen: boolean[] = [];
    const look = () => {
      seen.push(scripted.channel.connected);
    };
    const scripted: ScriptedChannel = new ScriptedChannel({
      observer: {
        opened: () => {
          look();
          return async () => {};
        },
        ended: look,
      },
    });
    const stream = await scripted.up();
    stream.finish();
    expect(seen).toEqual([true, false]);
    await scripted.channel.close();
  });

  it("queues calls while it connects for the first time, and sends them in order", async () => {
    const scripted = new ScriptedChannel();
    const calls = ["one", "none", "many"].map((replies) =>
      send(scripted.channel, { replies: replies as "one" | "none" | "many" }),
    );
    expect(scripted.channel.pendingCalls).toBe(3);
    const stream = await scripted.up();
    expect(stream.take().map(({ number }) => number)).toEqual(calls.map(({ number }) => number));
    expect(calls.map(({ released }) => released)).toEqual([0, 1, 0]);
    await scripted.close();
  });

  it("serves the requests of the peer with the handler that it is given for the stream", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    stream.deliver({ number: 3, serverInitiated: true, payload: "ask" });
    expect(scripted.handler.started).toEqual(["ask"]);
    scripted.handler.at(0).request.reply(Buffer.from("answer"));
    expect(stream.take()).toMatchObject([{ number: 3, serverInitiated: true }]);
    await scripted.close();
  });

  it("[LC-03] fails new and queued calls at once after an attempt failed, and keeps the cause", async () => {
    const scripted = new ScriptedChannel();
    const queued = [send(scripted.channel), send(scripted.channel, { replies: "none" })];
    await scripted.fails(refused);
    const calls = [...queued, send(scripted.channel), send(scripted.channel, { resend: true })];
    for (const { error, released } of calls) {
      expect(error).toMatchObject({ code: Code.Unavailable, reason: "NOT_CONNECTED", cause: refused });
      expect(error?.message).toContain("connection error");
      expect(released).toBe(1);
    }
    expect(scripted.failures).toMatchObject([{ error: refused, retryMs: 100 }]);
    expect(scripted.channel.lastError).toMatchObject({ cause: refused });
    expect(scripted.channel.pendingCalls).toBe(0);
    await scripted.channel.close();
  });

  it("takes an error without a status for Unavailable", async () => {
    const scripted = new ScriptedChannel();
    await scripted.fails(new Error("no such host"));
    expect(scripted.failures).toMatchObject([{ error: { code: Code.Unavailable, message: "no such host" } }]);
    await scripted.channel.close();
  });

  it("queues calls that wait for it to be ready, through failed attempts", async () => {
    useFakeClock();
    const scripted = new ScriptedChannel();
    const early = send(scripted.channel, { waitForReady: true });
    await scripted.fails(refused);
    const late = send(scripted.channel, { waitForReady: true });
    await vi.advanceTimersByTimeAsync(110);
    await scripted.fails(refused);
    expect([early.released, late.released]).toEqual([0, 0]);
    await vi.advanceTimersByTimeAsync(170);
    const stream = await scripted.up();
    expect(stream.take().map(({ number }) => number)).toEqual([early.number, late.number]);
    expect(scripted.channel.lastError).toBeUndefined();
    await scripted.close();
  });

  it("ends a call that waits for it to be ready at its deadline", async () => {
    useFakeClock();
    const scripted = new ScriptedChannel();
    const call = send(scripted.channel, { waitForReady: true, timeoutMs: 50 });
    await scripted.fails(refused);
    await vi.advanceTimersByTimeAsync(60);
    expect(call).toMatchObject({ errors: [{ code: Code.DeadlineExceeded }], released: 1 });
    expect(scripted.channel.pendingCalls).toBe(0);
    await scripted.channel.close();
  });

  it("fails calls at once from a failed attempt until a stream is up, also while it dials again", async () => {
    useFakeClock();
    const scripted = new ScriptedChannel();
    await scripted.fails(refused);
    await vi.advanceTimersByTimeAsync(110);
    expect(scripted.attempts).toHaveLength(2);
    expect(send(scripted.channel).error).toMatchObject({ reason: "NOT_CONNECTED" });
    await scripted.up();
    expect(send(scripted.channel).error).toBeUndefined();
    await scripted.close();
  });

  it("gives an attempt up after connectTimeoutMs", async () => {
    useFakeClock();
    const scripted = new ScriptedChannel({ connectTimeoutMs: 2_000 });
    const call = send(scripted.channel);
    await vi.advanceTimersByTimeAsync(1_990);
    expect(scripted.attempt.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(20);
    expect(scripted.attempt.signal.aborted).toBe(true);
    expect(scripted.failures).toMatchObject([{ error: { code: Code.Unavailable } }]);
    expect(call.error?.message).toContain("2000 ms");
    await scripted.channel.close();
  });

  it("fails a call at once when the send queue is full, and says so", async () => {
    const scripted = new ScriptedChannel({ limits: { maxQueuedCalls: 2 } });
    const calls = [send(scripted.channel), send(scripted.channel)];
    const over = send(scripted.channel, { waitForReady: true });
    expect(over).toMatchObject({
      errors: [{ code: Code.ResourceExhausted, reason: "SEND_QUEUE_FULL" }],
      released: 1,
    });
    expect(scripted.limitsReached).toEqual(["sendQueue"]);
    const stream = await scripted.up();
    expect(stream.take()).toHaveLength(calls.length);
    await scripted.close();
  });

  it("tells of late replies and of a full request queue", async () => {
    const scripted = new ScriptedChannel({ limits: { maxQueuedRequests: 1 } });
    const stream = await scripted.up();
    stream.deliver({ number: 1_000_000 });
    expect(scripted.lateReplies).toBe(1);
    const call = send(scripted.channel);
    for (let number = 1; number <= 4; number++) stream.deliver({ number, serverInitiated: true });
    expect(call.error).toMatchObject({ reason: "REQUEST_QUEUE_FULL" });
    expect(scripted.limitsReached).toEqual(["requestQueue"]);
    await scripted.close();
  });

  it("stops reading for a call that is withdrawn while it waits", async () => {
    const scripted = new ScriptedChannel({ confirmAll: false, limits: { maxQueuedRequests: 2 } });
    const stream = await scripted.up();
    send(scripted.channel).call.forget();
    const waiting = send(scripted.channel);
    for (const number of [1, 2, 3]) stream.deliver({ number, serverInitiated: true });
    expect(stream.reading).toBe(true);
    waiting.abort();
    expect(stream.reading).toBe(false);
    await scripted.close();
  });

  it("[LC-06, LC-21] carries many calls of all kinds at once", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const calls = Array.from({ length: 1_000 }, (_, at) =>
      send(scripted.channel, { replies: at % 2 === 0 ? "one" : "none" }),
    );
    for (const { number } of stream.take()) stream.deliver({ number });
    await turn();
    expect(calls.filter(({ errors, released }) => errors.length > 0 || released !== 1)).toEqual([]);
    expect(scripted.channel).toMatchObject({ pendingCalls: 0, connected: true });
    await scripted.close();
  });
});
