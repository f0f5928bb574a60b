import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { FakeStream } from "../helpers/fake-stream.js";
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

const closedError = { code: Code.Unavailable, reason: "CLOSED" };

/** Whether the promise has resolved by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  promise.then(
    () => {
      done = true;
    },
    () => {},
  );
  await turn();
  return done;
}

describe("the close of an OutboundChannel", () => {
  it("[LC-05, PL-03] fails pending calls, half-closes, and waits for the peer's end of the stream", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const calls = ["one", "many"].map((replies) =>
      send(scripted.channel, { replies: replies as "one" | "many", resend: true }),
    );
    const closed = scripted.channel.close();
    for (const { error, released } of calls) {
      expect(error).toMatchObject(closedError);
      expect(error?.message).toContain("node closed");
      expect(released).toBe(1);
    }
    expect(scripted.channel).toMatchObject({ connected: false, pendingCalls: 0 });
    expect(stream).toMatchObject({ endedWith: { code: Code.Ok }, canceled: undefined });
    expect(await isDone(closed)).toBe(false);
    stream.finish(Code.Ok);
    await closed;
    expect(stream.canceled).toBeUndefined();
    expect(scripted.ends).toEqual([{ error: undefined, dropped: 0 }]);
    expect(scripted.attempts).toHaveLength(1);
  });

  it("cancels the calls that it fails at a peer that takes cancels", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    stream.accept();
    const call = send(scripted.channel);
    void scripted.channel.close();
    expect(stream.take()).toMatchObject([{ number: call.number }, { number: call.number, cancel: true }]);
    await scripted.close();
  });

  it("gives the peer a second, then cancels", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const closed = scripted.channel.close();
    await vi.advanceTimersByTimeAsync(990);
    expect(stream.canceled).toBeUndefined();
    await vi.advanceTimersByTimeAsync(20);
    expect(stream.canceled).toMatchObject({ code: Code.Canceled });
    expect(await isDone(closed)).toBe(true);
  });

  it("lets the one-way call that is being written leave before it half-closes", async () => {
    const scripted = new ScriptedChannel({ confirmAll: false });
    const stream = await scripted.up();
    const calls = [1, 2].map(() => send(scripted.channel, { replies: "none" }));
    void scripted.channel.close();
    expect(stream.endedWith).toBeUndefined();
    stream.confirm();
    expect(stream.endedWith).toMatchObject({ code: Code.Ok });
    expect(calls.map(({ written, error }) => [written, error?.reason])).toEqual([
      [1, undefined],
      [0, "CLOSED"],
    ]);
    await scripted.close();
  });

  it("fails the one-way call whose writing is never confirmed", async () => {
    const scripted = new ScriptedChannel({ confirmAll: false });
    await scripted.up();
    const call = send(scripted.channel, { replies: "none" });
    const closed = scripted.channel.close();
    await vi.advanceTimersByTimeAsync(1_010);
    await closed;
    expect(call).toMatchObject({ errors: [closedError], written: 0, released: 1 });
  });

  it("writes the replies that wait first, and runs nothing that comes behind", async () => {
    const scripted = new ScriptedChannel({ confirmAll: false });
    const stream = await scripted.up();
    stream.deliver({ number: 1, serverInitiated: true });
    scripted.handler.at(0).request.reply(Buffer.from("answer"));
    void scripted.channel.close();
    stream.deliver({ number: 2, serverInitiated: true });
    expect(stream.endedWith).toBeUndefined();
    stream.confirm();
    expect(stream.endedWith).toMatchObject({ code: Code.Ok });
    expect(stream.take()).toMatchObject([{ number: 1 }]);
    expect(scripted.handler.running).toHaveLength(1);
    await scripted.close();
  });

  it("ends the signals of what runs with the stream", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    stream.deliver({ number: 1, serverInitiated: true });
    const closed = scripted.channel.close();
    const { signal } = scripted.handler.at(0).request;
    expect(signal.aborted).toBe(false);
    stream.finish(Code.Ok);
    expect(signal.reason).toBeInstanceOf(QuorateError);
    await closed;
  });

  it("fails all later calls at once", async () => {
    const scripted = new ScriptedChannel();
    await scripted.channel.close();
    for (const waitForReady of [true, false]) {
      expect(send(scripted.channel, { waitForReady })).toMatchObject({ errors: [closedError], released: 1 });
    }
    expect(scripted.channel.pendingCalls).toBe(0);
  });

  it("gives up the attempt that is under way, and fails what waits for it", async () => {
    const scripted = new ScriptedChannel();
    const call = send(scripted.channel, { waitForReady: true });
    await scripted.channel.close();
    expect(scripted.attempt.signal.aborted).toBe(true);
    expect(call).toMatchObject({ errors: [closedError], released: 1 });
    await turn();
    expect(scripted.failures).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(scripted.attempts).toHaveLength(1);
  });

  it("cancels a stream that comes up all the same", async () => {
    const scripted = new ScriptedChannel();
    const stream = new FakeStream();
    scripted.attempt.resolve(stream);
    await scripted.channel.close();
    await turn();
    expect(stream.canceled).toMatchObject({ code: Code.Canceled });
    expect(scripted.opened).toBe(0);
  });

  it("ends a wait for the next attempt, which no sign of the peer starts again", async () => {
    const scripted = new ScriptedChannel();
    await scripted.fails(new QuorateError(Code.Unavailable, "connection refused"));
    await scripted.channel.close();
    scripted.channel.connectNow();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(scripted.attempts).toHaveLength(1);
  });

  it("is the same close however often it is asked for", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const closed = scripted.channel.close();
    expect(scripted.channel.close()).toBe(closed);
    stream.finish(Code.Ok);
    await closed;
    await scripted.channel.close();
    expect(scripted.ends).toHaveLength(1);
  });

  it("[RQ-06] fails calls that wait to be sent again", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const call = send(scripted.channel, { resend: true });
    await vi.advanceTimersByTimeAsync(200);
    stream.finish();
    expect(call.released).toBe(0);
    await scripted.channel.close();
    expect(call).toMatchObject({ errors: [closedError], released: 1 });
  });

  it.each(["opened", "ended", "attemptFailed"] as const)(
    "may be asked for by its owner when it hears '%s'",
    async (when) => {
      let closed: Promise<void> | undefined;
      let stream: FakeStream | undefined;
      const close = () => {
        closed ??= scripted.channel.close();
      };
      const scripted: ScriptedChannel = new ScriptedChannel({
        observer: {
          opened: () => {
            if (when === "opened") close();
            return async () => {};
          },
          ended: () => {
            if (when === "ended") close();
          },
          attemptFailed: () => {
            if (when === "attemptFailed") close();
          },
        },
      });
      if (when === "attemptFailed") {
        await scripted.fails(new Error("refused"));
      } else {
        stream = await scripted.up();
        await vi.advanceTimersByTimeAsync(200);
        stream.finish();
      }
      await turn();
      expect(closed).toBeDefined();
      await closed;
      // A stream that the owner closes when it hears of it is half-closed, as any other.
      expect(stream?.endedWith?.code).toBe(when === "opened" ? Code.Ok : undefined);
      const { length } = scripted.attempts;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(scripted.attempts).toHaveLength(length);
      expect(scripted.channel.stream).toBeUndefined();
      expect(send(scripted.channel).error).toMatchObject(closedError);
    },
  );
});
