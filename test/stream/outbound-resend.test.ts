import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { FakeStream } from "../helpers/fake-stream.js";
import { checkLeaks } from "../helpers/leaks.js";
import { ScriptedChannel } from "../helpers/scripted-channel.js";
import { send } from "../helpers/test-call.js";

checkLeaks();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Loses a stream that had lived long enough to be opened again at once. */
async function lose(stream: FakeStream): Promise<void> {
  await vi.advanceTimersByTimeAsync(200);
  stream.finish();
}

const numbersOf = (calls: readonly { readonly number: number }[]) => calls.map(({ number }) => number);

describe("the calls of a lost stream", () => {
  it.each([
    { replies: "one", resend: true, again: true },
    { replies: "one", resend: false, again: false },
    { replies: "many", resend: true, again: false },
    { replies: "none", resend: true, again: false },
  ] as const)(
    "[RQ-01, RQ-03] with $replies replies and resend $resend are sent again: $again",
    async ({ replies, resend, again }) => {
      const scripted = new ScriptedChannel({ confirmAll: false });
      const stream = await scripted.up();
      const call = send(scripted.channel, { replies, resend });
      await lose(stream);
      expect(call.released).toBe(again ? 0 : 1);
      expect(call.error?.reason).toBe(again ? undefined : "STREAM_LOST");
      const next = await scripted.up();
      expect(numbersOf(next.take())).toEqual(again ? [call.number] : []);
      await scripted.close();
    },
  );

  it("[W-07] are sent again with the same number and payload", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const call = send(scripted.channel, { resend: true, payload: "ask" });
    const [first] = stream.take();
    await lose(stream);
    const next = await scripted.up();
    expect(next.take()).toEqual([first]);
    next.deliver({ number: call.number, payload: "answer" });
    expect(call).toMatchObject({ text: "answer", errors: [], released: 1, written: 2 });
    await scripted.close();
  });

  it("[W-07] are sent again in the order of their numbers, ahead of new ones and of those never sent", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const sent = [5_000_003, 5_000_001, 5_000_002].map((number) =>
      send(scripted.channel, { number, resend: true }),
    );
    await lose(stream);
    const meanwhile = [send(scripted.channel), send(scripted.channel, { replies: "none" })];
    const next = await scripted.up();
    expect(numbersOf(next.take())).toEqual([5_000_001, 5_000_002, 5_000_003, ...numbersOf(meanwhile)]);
    expect(sent.map(({ released }) => released)).toEqual([0, 0, 0]);
    await scripted.close();
  });

  it("that were never given to it stay queued, whatever their kind", async () => {
    const scripted = new ScriptedChannel({ confirmAll: false });
    const stream = await scripted.up();
    const writing = send(scripted.channel);
    const waiting = [
      send(scripted.channel),
      send(scripted.channel, { replies: "none" }),
      send(scripted.channel, { replies: "many" }),
    ];
    await lose(stream);
    expect(writing.error).toMatchObject({ reason: "STREAM_LOST" });
    const next = await scripted.up();
    for (const _ of waiting) next.confirm();
    expect(numbersOf(next.take())).toEqual(numbersOf(waiting));
    await scripted.close();
  });

  it("are sent three times at the most", async () => {
    const scripted = new ScriptedChannel();
    let stream = await scripted.up();
    const call = send(scripted.channel, { resend: true });
    for (let sends = 1; sends <= 3; sends++) {
      expect(numbersOf(stream.take())).toEqual([call.number]);
      expect(call.released).toBe(0);
      await lose(stream);
      stream = await scripted.up();
    }
    expect(stream.take()).toEqual([]);
    expect(call).toMatchObject({ errors: [{ code: Code.Unavailable, reason: "STREAM_LOST" }], released: 1 });
    await scripted.close();
  });

  it("wait for the next stream through failed attempts, unlike new ones", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const call = send(scripted.channel, { resend: true });
    await lose(stream);
    await scripted.fails(new QuorateError(Code.Unavailable, "connection refused"));
    expect(call.released).toBe(0);
    expect(send(scripted.channel, { resend: true }).error).toMatchObject({ reason: "NOT_CONNECTED" });
    await vi.advanceTimersByTimeAsync(200);
    const next = await scripted.up();
    expect(numbersOf(next.take())).toEqual([call.number]);
    await scripted.close();
  });

  it("wait also if the stream had lived so shortly that the next attempt is put off", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const call = send(scripted.channel, { resend: true });
    stream.finish();
    expect(call.released).toBe(0);
    await vi.advanceTimersByTimeAsync(200);
    const next = await scripted.up();
    expect(numbersOf(next.take())).toEqual([call.number]);
    await scripted.close();
  });

  it("fail with the refusal if the next attempt is refused", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const call = send(scripted.channel, { resend: true });
    await lose(stream);
    await scripted.fails(new QuorateError(Code.PermissionDenied, "not you"));
    expect(call).toMatchObject({ errors: [{ code: Code.PermissionDenied }], released: 1 });
    await scripted.channel.close();
  });

  it("[RQ-04] are not sent again after their deadline", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const call = send(scripted.channel, { resend: true, timeoutMs: 300 });
    await lose(stream);
    await vi.advanceTimersByTimeAsync(110);
    expect(call).toMatchObject({ errors: [{ code: Code.DeadlineExceeded }], released: 1 });
    const next = await scripted.up();
    expect(next.take()).toEqual([]);
    await scripted.close();
  });

  it("are not sent again if nobody waits for them any longer", async () => {
    const scripted = new ScriptedChannel({ confirmAll: false });
    const stream = await scripted.up();
    const writing = send(scripted.channel, { replies: "none" });
    const forgotten = send(scripted.channel, { resend: true });
    const aborted = send(scripted.channel, { resend: true });
    forgotten.call.forget();
    stream.confirm();
    await lose(stream);
    // It was being written, for nobody.
    expect(forgotten).toMatchObject({ errors: [], released: 1 });
    expect(writing.written).toBe(1);
    aborted.abort();
    const next = await scripted.up();
    expect(next.take()).toEqual([]);
    expect(aborted).toMatchObject({ errors: [{ code: Code.Canceled }], released: 1 });
    expect(scripted.channel.pendingCalls).toBe(0);
    await scripted.close();
  });

  it("do not come back to life if they are aborted while they wait and the next stream is lost too", async () => {
    const scripted = new ScriptedChannel({ confirmAll: false });
    const stream = await scripted.up();
    const first = send(scripted.channel, { resend: true });
    stream.confirm();
    const second = send(scripted.channel, { resend: true });
    await lose(stream);
    const next = await scripted.up();
    second.abort();
    await lose(next);
    const last = await scripted.up();
    last.confirm();
    expect(numbersOf(last.take())).toEqual([first.number]);
    expect(second).toMatchObject({ errors: [{ code: Code.Canceled }], released: 1 });
    expect(scripted.channel.pendingCalls).toBe(1);
    await scripted.close();
  });

  it("are told of their end when the channel knows of the loss: a retry queues for the next stream", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    let retry: ReturnType<typeof send> | undefined;
    send(scripted.channel, {
      onFailed: () => {
        retry = send(scripted.channel);
      },
    });
    await lose(stream);
    expect(retry?.released).toBe(0);
    const next = await scripted.up();
    expect(numbersOf(next.take())).toEqual([retry?.number]);
    await scripted.close();
  });

  it("are all answered on the next stream if they were made before the loss was seen", async () => {
    const scripted = new ScriptedChannel();
    const stream = await scripted.up();
    const calls = Array.from({ length: 10 }, () => send(scripted.channel, { resend: true }));
    await lose(stream);
    const next = await scripted.up();
    for (const { number } of next.take()) next.deliver({ number, payload: `reply ${number}` });
    expect(calls.map(({ text, errors }) => [text, errors.length])).toEqual(
      calls.map(({ number }) => [`reply ${number}`, 0]),
    );
    await scripted.close();
  });

  it("[LC-12, LC-13] go back to a full queue without being refused", async () => {
    const scripted = new ScriptedChannel({ limits: { maxQueuedCalls: 4 } });
    const stream = await scripted.up();
    const sent = Array.from({ length: 20 }, () => send(scripted.channel, { resend: true }));
    await lose(stream);
    expect(send(scripted.channel).error).toMatchObject({ reason: "SEND_QUEUE_FULL" });
    const next = await scripted.up();
    expect(numbersOf(next.take())).toEqual(numbersOf(sent));
    expect(send(scripted.channel).errors).toEqual([]);
    await scripted.close();
  });

  it("leave no reply of the lost stream for the next one", async () => {
    const scripted = new ScriptedChannel({ confirmAll: false });
    const stream = await scripted.up();
    for (const number of [1, 2]) {
      stream.deliver({ number, serverInitiated: true });
      scripted.handler.at(number - 1).request.reply(Buffer.from("answer"));
      scripted.handler.at(number - 1).request.release();
    }
    const { request } = scripted.handler.at(0);
    await lose(stream);
    const next = await scripted.up();
    request.reply(Buffer.from("for a stream that is gone"));
    expect(next.take()).toEqual([]);
    expect(request.signal.aborted).toBe(true);
    await scripted.close();
  });
});
