import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { checkLeaks } from "../helpers/leaks.js";
import { ScriptedChannel } from "../helpers/scripted-channel.js";
import { send } from "../helpers/test-call.js";
import { turn } from "../helpers/turn.js";

checkLeaks();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const refused = new QuorateError(Code.Unavailable, "connection refused");

/** How long the channel waits until it dials again. */
async function waitUntilDialled(scripted: ScriptedChannel): Promise<number> {
  const { length } = scripted.attempts;
  const from = performance.now();
  for (let timers = 0; scripted.attempts.length === length && timers < 10; timers++) {
    await vi.advanceTimersToNextTimerAsync();
  }
  expect(scripted.attempts).toHaveLength(length + 1);
  return performance.now() - from;
}

/** Deadlines have a grain of 4 ms. */
const about = (expected: number) => (ms: number) => ms > expected - 1 && ms <= expected + 6;

describe("the attempts to connect of an OutboundChannel", () => {
  it("[W-08] come back after growing waits, for ever and without traffic", async () => {
    const scripted = new ScriptedChannel();
    for (const wait of [100, 160, 256, 409.6, 655.36, 1_048.576, 1_677.7216, 2_684.35456, 3_000, 3_000]) {
      await scripted.fails(refused);
      expect(await waitUntilDialled(scripted)).toSatisfy(about(wait));
    }
    expect(scripted.failures.at(-1)).toMatchObject({ retryMs: 3_000 });
    await scripted.channel.close();
  });

  it("lie up to a fifth beside their plan, so that peers do not come back in step", async () => {
    const random = vi.spyOn(Math, "random");
    random.mockReturnValue(0);
    const scripted = new ScriptedChannel({ backoff: {} });
    await scripted.fails(refused);
    expect(await waitUntilDialled(scripted)).toSatisfy(about(80));
    random.mockReturnValue(1);
    await scripted.fails(refused);
    expect(await waitUntilDialled(scripted)).toSatisfy(about(192));
    random.mockRestore();
    await scripted.channel.close();
  });

  it("[LC-14] start again from the first wait once a stream outlived the wait before it", async () => {
    const scripted = new ScriptedChannel();
    for (let at = 0; at < 5; at++) {
      await scripted.fails(refused);
      await waitUntilDialled(scripted);
    }
    const stream = await scripted.up();
    await vi.advanceTimersByTimeAsync(700);
    stream.finish();
    expect(scripted.attempts).toHaveLength(7);
    await scripted.fails(refused);
    expect(await waitUntilDialled(scripted)).toSatisfy(about(100));
    await scripted.channel.close();
  });

  it("do not start again after a stream that was lost sooner than that", async () => {
    const scripted = new ScriptedChannel();
    for (let at = 0; at < 5; at++) {
      await scripted.fails(refused);
      await waitUntilDialled(scripted);
    }
    const stream = await scripted.up();
    await vi.advanceTimersByTimeAsync(500);
    stream.finish();
    expect(await waitUntilDialled(scripted)).toSatisfy(about(1_048.576));
    await scripted.channel.close();
  });

  it("[LC-10] come at once after the loss of a stream that had lived, and calls queue meanwhile", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    await vi.advanceTimersByTimeAsync(150);
    stream.finish();
    expect(scripted.attempts).toHaveLength(2);
    expect(scripted.ends).toMatchObject([{ error: { code: Code.Unavailable }, dropped: 0 }]);
    const call = send(scripted.channel);
    expect(call.released).toBe(0);
    const next = await scripted.up();
    expect(next.take()).toMatchObject([{ number: call.number }]);
    await scripted.close();
  });

  it("come at once again after each such loss: an old long wait does not count for later streams", async () => {
    const scripted = new ScriptedChannel();
    for (let at = 0; at < 8; at++) {
      await scripted.fails(refused);
      await waitUntilDialled(scripted);
    }
    const first = await scripted.up();
    await vi.advanceTimersByTimeAsync(5_000);
    first.finish();
    const second = await scripted.up();
    await vi.advanceTimersByTimeAsync(1_000);
    const { length } = scripted.attempts;
    second.finish();
    expect(scripted.attempts).toHaveLength(length + 1);
    await scripted.up();
    await scripted.close();
  });

  it("do not become a hot loop at a peer that accepts and drops at once", async () => {
    const scripted = new ScriptedChannel();
    const waits: number[] = [];
    for (let at = 0; at < 12; at++) {
      const stream = await scripted.up();
      stream.finish(Code.Unavailable, "dropped");
      waits.push(await waitUntilDialled(scripted));
    }
    for (const [at, wait] of waits.entries()) expect(wait).toSatisfy(about(Math.min(100 * 1.6 ** at, 3_000)));
    await scripted.channel.close();
  });

  it("fail new calls in the wait after a stream that was dropped at once, as after a failed attempt", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    stream.finish(Code.Unavailable, "dropped");
    expect(send(scripted.channel).error).toMatchObject({ reason: "NOT_CONNECTED" });
    await scripted.channel.close();
  });

  it.each([
    Code.PermissionDenied,
    Code.Unauthenticated,
    Code.Unimplemented,
    Code.InvalidArgument,
    Code.AlreadyExists,
  ])("come every 30 s after a stream that ended with code %i, which all pending calls get", async (code) => {
    const scripted = new ScriptedChannel({ confirmAll: false });
    const stream = await scripted.up();
    const calls = [
      send(scripted.channel, { replies: "none" }),
      send(scripted.channel, { resend: true }),
      send(scripted.channel, { waitForReady: true }),
    ];
    await vi.advanceTimersByTimeAsync(10_000);
    stream.finish(code, "not you");
    for (const { error, released } of calls) {
      expect(error).toMatchObject({ code, message: "not you" });
      expect(released).toBe(1);
    }
    expect(send(scripted.channel).error).toMatchObject({ code, message: "not you" });
    expect(scripted.ends).toMatchObject([{ error: { code } }]);
    expect(await waitUntilDialled(scripted)).toSatisfy(about(30_000));
    await scripted.fails(new QuorateError(code, "still not you"));
    expect(scripted.failures).toMatchObject([{ retryMs: 30_000 }]);
    await scripted.channel.close();
  });

  it("follow the usual waits after ResourceExhausted, and nothing is sent again", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const call = send(scripted.channel, { resend: true });
    await vi.advanceTimersByTimeAsync(1_000);
    stream.finish(Code.ResourceExhausted, "message too large");
    expect(call.error).toMatchObject({ code: Code.Unavailable, cause: { code: Code.ResourceExhausted } });
    expect(scripted.attempts).toHaveLength(2);
    const next = await scripted.up();
    expect(next.take()).toEqual([]);
    next.finish(Code.ResourceExhausted, "message too large");
    expect(await waitUntilDialled(scripted)).toSatisfy(about(100));
    await scripted.channel.close();
  });

  it("come at once after a Canceled from the far side, which is a loss like any other", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const [lost, again] = [send(scripted.channel), send(scripted.channel, { resend: true })];
    await vi.advanceTimersByTimeAsync(1_000);
    stream.take();
    stream.finish(Code.Canceled, "forced");
    expect(lost.error).toMatchObject({ code: Code.Unavailable, reason: "STREAM_LOST" });
    expect(lost.error?.cause).toMatchObject({ code: Code.Canceled, message: "forced" });
    const next = await scripted.up();
    expect(next.take()).toMatchObject([{ number: again.number }]);
    await scripted.close();
  });

  it("treat a peer that ends the stream with OK as lost", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const call = send(scripted.channel);
    await vi.advanceTimersByTimeAsync(1_000);
    stream.finish(Code.Ok);
    expect(call.error).toMatchObject({ code: Code.Unavailable, reason: "STREAM_LOST" });
    expect(scripted.attempts).toHaveLength(2);
    await scripted.channel.close();
  });

  it("come seldom after a malformed message of the peer: the stream ends as refused", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const call = send(scripted.channel);
    stream.deliver(Uint8Array.of(0xff, 0xff));
    expect(stream.canceled).toMatchObject({ code: Code.InvalidArgument });
    expect(call).toMatchObject({ errors: [{ code: Code.InvalidArgument }], released: 1 });
    expect(await waitUntilDialled(scripted)).toSatisfy(about(30_000));
    await scripted.channel.close();
  });

  it("come at once when there is a sign that the peer is back, and only then", async () => {
    const scripted = new ScriptedChannel();
    // Nothing waits: an attempt is under way, then a stream is up.
    scripted.channel.connectNow();
    expect(scripted.attempts).toHaveLength(1);
    await scripted.fails(new QuorateError(Code.PermissionDenied, "not you"));
    scripted.channel.connectNow();
    scripted.channel.connectNow();
    expect(scripted.attempts).toHaveLength(2);
    await scripted.up();
    scripted.channel.connectNow();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(scripted.attempts).toHaveLength(2);
    await scripted.close();
  });

  it("[LC-20, RQ-05, W-09] are not changed by what a lost stream still tells", async () => {
    const scripted = new ScriptedChannel({ confirmAll: false });
    const old = await scripted.up();
    const writing = send(scripted.channel, { resend: true });
    await vi.advanceTimersByTimeAsync(1_000);
    old.finish();
    const stream = await scripted.up();
    const call = send(scripted.channel);
    expect(stream.take()).toMatchObject([{ number: writing.number }]);
    old.confirm();
    old.deliver({ number: writing.number, payload: "stale" });
    old.finish();
    old.accept();
    await turn();
    expect(stream.take()).toEqual([]);
    expect(writing).toMatchObject({ replies: [], written: 0, released: 0 });
    expect(scripted.ends).toHaveLength(1);
    expect(scripted.channel).toMatchObject({ connected: true, pendingCalls: 2 });
    stream.confirm();
    stream.confirm();
    stream.deliver({ number: writing.number, payload: "fresh" });
    expect(writing.text).toBe("fresh");
    expect(call.released).toBe(0);
    await scripted.close();
  });
});
