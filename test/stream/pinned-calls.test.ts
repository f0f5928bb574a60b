import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { checkLeaks } from "../helpers/leaks.js";
import { openPair } from "../helpers/open-pair.js";
import { ScriptedChannel } from "../helpers/scripted-channel.js";
import { send } from "../helpers/test-call.js";

checkLeaks();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const lost = { code: Code.Unavailable, reason: "STREAM_LOST" };

describe("calls that must go on one stream", () => {
  it("are sent on it", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const call = send(scripted.channel, { onStream: scripted.channel.stream, payload: "ask" });
    expect(stream.take()).toMatchObject([{ number: call.number }]);
    stream.deliver({ number: call.number, payload: "answer" });
    expect(call).toMatchObject({ text: "answer", errors: [], released: 1 });
    await scripted.close();
  });

  // One that lived for a moment only is not dialled again at once.
  it.each([
    { kind: "lived", livedMs: 200 },
    { kind: "was lost at once", livedMs: 0 },
  ])(
    "fail when it is lost that $kind, also those that wait or would be resent, and never go on the next",
    async ({ livedMs }) => {
      const scripted = new ScriptedChannel({ confirmAll: false });
      const stream = await scripted.up();
      const pinned = { onStream: scripted.channel.stream, resend: true, waitForReady: true };
      const calls = [
        send(scripted.channel, pinned),
        send(scripted.channel, pinned),
        send(scripted.channel, { ...pinned, replies: "none" as const }),
      ];
      const free = send(scripted.channel, { resend: true, waitForReady: true });
      expect(stream.take()).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(livedMs);
      stream.finish();
      for (const call of calls) expect(call).toMatchObject({ errors: [lost], released: 1 });
      expect(free.released).toBe(0);
      await vi.advanceTimersByTimeAsync(5_000);
      const next = await scripted.up();
      expect(next.take().map(({ number }) => number)).toEqual([free.number]);
      await scripted.close();
    },
  );

  it("fail at once if another stream is up, or none", async () => {
    const scripted = new ScriptedChannel();
    const first = await scripted.up();
    const onStream = scripted.channel.stream;
    await vi.advanceTimersByTimeAsync(200);
    first.finish();
    expect(send(scripted.channel, { onStream, waitForReady: true })).toMatchObject({ errors: [lost] });
    const second = await scripted.up();
    expect(send(scripted.channel, { onStream, resend: true })).toMatchObject({ errors: [lost], released: 1 });
    expect(second.take()).toEqual([]);
    expect(scripted.channel.pendingCalls).toBe(0);
    await scripted.close();
  });

  it("do so on a stream that the peer opened", async () => {
    const pair = openPair();
    const other = openPair();
    const right = send(pair.accepting, { onStream: pair.accepting.stream });
    const wrong = send(pair.accepting, { onStream: other.accepting.stream });
    expect(wrong).toMatchObject({ errors: [lost], released: 1 });
    await right.over;
    expect(right).toMatchObject({ errors: [], replies: [{ number: right.number }] });
    pair.close();
    other.close();
  });
});
