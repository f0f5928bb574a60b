import { beforeEach, describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { PendingCall } from "../../internal/stream/pending-call.js";
import { type NextToSend, SendQueue } from "../../internal/stream/send-queue.js";
import { envelopeSize } from "../../internal/wire/encode-envelope.js";
import { stillHeld } from "../helpers/garbage.js";
import { TestCall, type TestCallInit } from "../helpers/test-call.js";

const limits = { maxQueuedCalls: 1_000, maxQueuedCallBytes: 1 << 20 };

let queue: SendQueue;
beforeEach(() => {
  queue = new SendQueue(limits);
});

/** A call that gives itself to the queue, as a channel would have it. */
function queued(init?: TestCallInit): TestCall {
  return new TestCall(init).on({
    send: (call) => queue.pushCall(call),
    withdraw: (call) => queue.remove(call),
  });
}

function sentBefore(number: number): TestCall {
  const made = new TestCall({ number }).on({ send: () => {}, withdraw: (call) => queue.remove(call) });
  made.call.state = "sent";
  return made;
}

function reply(text: string): { bytes: Uint8Array; settled: () => void } {
  return { bytes: Buffer.from(text), settled: () => {} };
}

function nameOf(next: NextToSend): string {
  return next.kind === "reply" ? Buffer.from(next.reply.bytes).toString() : `call ${next.call.number}`;
}

const shortLived = {
  method: "test.Test.Method",
  body: Buffer.from("body"),
  replies: "one",
  deadline: Number.POSITIVE_INFINITY,
  waitForReady: false,
  resend: false,
} as const;
const silent = {
  replied: () => {},
  completed: () => {},
  written: () => {},
  failed: () => {},
  released: () => {},
};

/** Takes all that is queued, as a stream that writes it would. */
function takeAll(): string[] {
  const names: string[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) {
    if (next.kind === "call") next.call.state = "sent";
    names.push(nameOf(next));
  }
  return names;
}

const numbersOf = (calls: readonly PendingCall[]) => calls.map(({ number }) => number);

describe("SendQueue", () => {
  it("sends replies before resends before calls, each first in, first out", () => {
    queued({ number: 5 });
    queued({ number: 4 });
    queue.pushResends([sentBefore(2).call, sentBefore(3).call]);
    queue.pushReply(reply("reply a"));
    queue.pushReply(reply("reply b"));
    expect(takeAll()).toEqual(["reply a", "reply b", "call 2", "call 3", "call 5", "call 4"]);
    expect(queue).toMatchObject({ calls: 0, bytes: 0, replies: 0 });
  });

  it("lets a reply that comes later go ahead of the calls that wait", () => {
    queued({ number: 1 });
    queued({ number: 2 });
    expect(nameOf(queue.next() ?? { kind: "reply", reply: reply("none") })).toBe("call 1");
    queue.pushReply(reply("reply"));
    expect(takeAll()).toEqual(["reply", "call 2"]);
  });

  it("is bounded by calls", () => {
    queue = new SendQueue({ maxQueuedCalls: 2, maxQueuedCallBytes: 1 << 20 });
    const calls = [1, 2, 3].map((number) => new TestCall({ number }).call);
    expect(calls.map((call) => queue.pushCall(call))).toEqual([true, true, false]);
    expect(queue.calls).toBe(2);
    queue.next();
    expect(calls.slice(2).map((call) => queue.pushCall(call))).toEqual([true]);
  });

  it("is bounded by bytes of whole envelopes", () => {
    const calls = [1, 2, 3].map((number) => new TestCall({ number, payload: "x".repeat(100) }).call);
    const size = envelopeSize(1, true, calls[0]?.body ?? new Uint8Array(0), 0xffffffff);
    queue = new SendQueue({ maxQueuedCalls: 10, maxQueuedCallBytes: 2 * size });
    expect(calls.map((call) => queue.pushCall(call))).toEqual([true, true, false]);
    expect(queue.bytes).toBe(2 * size);
    expect(calls.map(({ state }) => state)).toEqual(["queued", "queued", "made"]);
  });

  it("never refuses a reply, nor a call that is sent again: both hold a place already", () => {
    queue = new SendQueue({ maxQueuedCalls: 1, maxQueuedCallBytes: 1 });
    for (let at = 0; at < 1_000; at++) queue.pushReply(reply("reply"));
    queue.pushResends([1, 2, 3].map((number) => sentBefore(number).call));
    expect(queue).toMatchObject({ replies: 1_000, calls: 3 });
    expect(queue.pushCall(new TestCall().call)).toBe(false);
  });

  it("drops the replies of a stream that ended, and keeps the calls", () => {
    queued({ number: 1 });
    const dropped = reply("reply");
    queue.pushReply(dropped);
    expect(queue.dropReplies()).toEqual([dropped]);
    expect(takeAll()).toEqual(["call 1"]);
  });

  it("never sends a call that was withdrawn, and frees its place at once", () => {
    const calls = [1, 2, 3].map((number) => queued({ number }));
    calls[0]?.abort();
    calls[2]?.abort();
    expect(queue.calls).toBe(1);
    expect(takeAll()).toEqual(["call 2"]);
    expect(queue).toMatchObject({ calls: 0, bytes: 0 });
  });

  it("[W-12] does not hold withdrawn calls, however many there were behind one that waits", async () => {
    queue = new SendQueue({ maxQueuedCalls: 65_536, maxQueuedCallBytes: 64 << 20 });
    const waiting = queued({ number: 1 });
    const refs: WeakRef<object>[] = [];
    for (let at = 0; at < 100_000; at++) {
      const short = new PendingCall({ ...shortLived, number: at + 2 }, silent);
      queue.pushCall(short);
      queue.remove(short);
      if (at % 10 === 0) refs.push(new WeakRef(short));
    }
    expect(queue.calls).toBe(1);
    expect(await stillHeld(refs)).toBeLessThan(100);
    expect(takeAll()).toEqual([`call ${waiting.number}`]);
  });

  it("takes out the calls that are asked for, and leaves the others in order", () => {
    queue.pushResends([sentBefore(1).call, sentBefore(2).call]);
    for (const number of [5, 3, 4, 6]) queued({ number });
    const withdrawn = queued({ number: 8 });
    withdrawn.abort();
    expect(numbersOf(queue.takeCalls(({ number }) => number % 2 === 0))).toEqual([2, 4, 6]);
    expect(queue.calls).toBe(3);
    expect(takeAll()).toEqual(["call 1", "call 5", "call 3"]);
    expect(queue).toMatchObject({ calls: 0, bytes: 0 });
  });

  it("counts right when the failure of one taken call makes its caller withdraw another", () => {
    const second = new TestCall({ number: 2 });
    queued({ number: 1, onFailed: () => second.abort() });
    second.on({ send: (call) => queue.pushCall(call), withdraw: (call) => queue.remove(call) });
    const error = new QuorateError(Code.Unavailable, "no stream");
    for (const call of queue.takeCalls(() => true)) call.fail(error);
    expect(second).toMatchObject({ released: 1, errors: [{ code: Code.Canceled }] });
    expect(queue).toMatchObject({ calls: 0, bytes: 0 });
  });

  describe("when a stream was lost", () => {
    it("[W-07] sends again in the order of the numbers, together with what an earlier loss left", () => {
      queue.pushResends([3, 5, 9].map((number) => sentBefore(number).call));
      expect(nameOf(queue.next() ?? { kind: "reply", reply: reply("none") })).toBe("call 3");
      queue.pushResends([1, 7].map((number) => sentBefore(number).call));
      expect(queue.calls).toBe(4);
      expect(takeAll()).toEqual(["call 1", "call 5", "call 7", "call 9"]);
    });

    it("does not bring back a call that was withdrawn while it waited to be sent again", () => {
      const [first, second] = [sentBefore(1), sentBefore(2)];
      queue.pushResends([first.call, second.call]);
      expect(nameOf(queue.next() ?? { kind: "reply", reply: reply("none") })).toBe("call 1");
      second.abort();
      queue.pushResends([first.call]);
      expect(queue.calls).toBe(1);
      expect(takeAll()).toEqual(["call 1"]);
      expect(queue).toMatchObject({ calls: 0, bytes: 0 });
      expect(second.call.state).toBe("over");
    });
  });
});
