import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { encodeCancel } from "../../internal/wire/encode-envelope.js";
import { message } from "../helpers/fake-stream.js";
import { stillHeld } from "../helpers/garbage.js";
import { checkLeaks } from "../helpers/leaks.js";
import { type OpenedPeerStream, openPeerStream } from "../helpers/open-peer-stream.js";
import { send, TestCall } from "../helpers/test-call.js";
import { turn } from "../helpers/turn.js";

checkLeaks();

const limits = { maxQueuedRequests: 4 };
let lastRequest = 0;

function deliver({ stream }: OpenedPeerStream, count: number): void {
  for (let at = 0; at < count; at++) stream.deliver({ number: ++lastRequest, payload: String(lastRequest) });
}

async function runAll({ handler, peer, stream }: OpenedPeerStream): Promise<void> {
  for (let at = 0; peer.requests > 0; at++) {
    handler.at(at).returns();
    await turn();
    if (stream.writing) stream.confirm();
  }
}

describe("the request queue of a stream", () => {
  it("stops reading at maxQueuedRequests, and reads on when one is done", async () => {
    const opened = openPeerStream({ limits });
    deliver(opened, 3);
    expect(opened.stream.reading).toBe(true);
    deliver(opened, 1);
    expect(opened.stream.reading).toBe(false);
    expect(opened.peer.readingPaused).toBe(true);
    opened.handler.at(0).returns();
    await turn();
    expect(opened.stream.reading).toBe(true);
    await runAll(opened);
    expect(opened.handler.running).toHaveLength(4);
  });

  it("stops reading at maxQueuedBytes of whole envelopes", async () => {
    const size = message({ number: 1_000_000, payload: "x".repeat(100) }).length;
    const opened = openPeerStream({ limits: { maxQueuedBytes: 2 * size } });
    const one = { number: 1_000_000, payload: "x".repeat(100) };
    opened.stream.deliver(one);
    expect(opened.stream.reading).toBe(true);
    opened.stream.deliver({ ...one, number: 1_000_001 });
    expect(opened.peer.requestBytes).toBe(2 * size);
    expect(opened.stream.reading).toBe(false);
    await runAll(opened);
    expect(opened.stream.reading).toBe(true);
    expect(opened.peer.requestBytes).toBe(0);
  });

  it("counts a request until its reply is written, so that a peer that does not read stops being read", async () => {
    const opened = openPeerStream({ limits, confirmAll: false });
    deliver(opened, 4);
    for (const at of [0, 1, 2, 3]) {
      opened.handler.at(at).request.reply(Buffer.from("answer"));
      opened.handler.at(at).returns();
      await turn();
    }
    expect(opened.stream.reading).toBe(false);
    opened.stream.confirm();
    expect(opened.stream.reading).toBe(true);
    expect(opened.peer.requests).toBe(3);
  });

  it("frees the place of a request that its caller cancels", () => {
    const opened = openPeerStream({ limits });
    deliver(opened, 4);
    expect(opened.stream.reading).toBe(false);
    opened.stream.deliver(encodeCancel(lastRequest, false));
    expect(opened.stream.reading).toBe(true);
    expect(opened.peer.requests).toBe(3);
  });

  it("runs all requests that were read when reading stopped, in order", async () => {
    const opened = openPeerStream({ limits });
    // Some may be under way when reading is turned off.
    deliver(opened, 10);
    expect(opened.stream.reading).toBe(false);
    await runAll(opened);
    const last = lastRequest;
    expect(opened.handler.started).toEqual(Array.from({ length: 10 }, (_, at) => String(last - 9 + at)));
    expect(opened.told.limits).toEqual([]);
  });

  describe("while calls of ours are pending", () => {
    it.each([
      ["a call with one reply", "one"],
      ["a call with many replies", "many"],
    ] as const)("is read on for the reply of %s, and stops when it is over", (_, replies) => {
      const opened = openPeerStream({ limits });
      const call = send(opened, { replies });
      deliver(opened, 8);
      expect(opened.stream.reading).toBe(true);
      call.abort();
      expect(opened.stream.reading).toBe(false);
    });

    it("is read on until the reply is here", () => {
      const opened = openPeerStream({ limits });
      const call = send(opened);
      deliver(opened, 8);
      opened.stream.deliver({ number: call.number, serverInitiated: true });
      expect(call.replies).toHaveLength(1);
      expect(opened.stream.reading).toBe(false);
    });

    it("is read on for a one-way call until that is written", () => {
      const opened = openPeerStream({ limits, confirmAll: false });
      send(opened, { replies: "none" });
      deliver(opened, 8);
      expect(opened.stream.reading).toBe(true);
      opened.stream.confirm();
      expect(opened.stream.reading).toBe(false);
    });

    it("is read on for calls that wait to be sent", () => {
      const opened = openPeerStream({ limits, confirmAll: false });
      const [writing, waiting] = [send(opened), send(opened)];
      writing.call.forget();
      deliver(opened, 8);
      expect(opened.stream.reading).toBe(true);
      waiting.abort();
      opened.peer.pump();
      expect(opened.stream.reading).toBe(false);
    });

    it("is read again when a call is made", () => {
      const opened = openPeerStream({ limits });
      deliver(opened, 8);
      expect(opened.stream.reading).toBe(false);
      send(opened);
      expect(opened.stream.reading).toBe(true);
    });

    it("fails them at four times the bound, stops reading, and drops no request", async () => {
      const opened = openPeerStream({ limits, confirmAll: false });
      const written = send(opened);
      opened.stream.confirm();
      const calls = [
        written,
        send(opened, { replies: "none" }),
        send(opened),
        send(opened, { replies: "many" }),
      ];
      deliver(opened, 15);
      expect(opened.stream.reading).toBe(true);
      expect(calls.map(({ released }) => released)).toEqual([0, 0, 0, 0]);
      deliver(opened, 1);
      for (const call of calls) {
        expect(call.error).toMatchObject({ code: Code.ResourceExhausted, reason: "REQUEST_QUEUE_FULL" });
        expect(call).toMatchObject({ released: 1, written: call === written ? 1 : 0 });
      }
      expect(opened.stream.reading).toBe(false);
      expect(opened.told.limits).toEqual(["requestQueue"]);
      expect(opened.peer.pendingCalls + opened.queue.calls).toBe(0);
      await runAll(opened);
      expect(opened.handler.running).toHaveLength(16);
      expect(opened.stream.reading).toBe(true);
    });

    it("fails a new call at once, unsent, while it is that full", () => {
      const opened = openPeerStream({ limits });
      deliver(opened, 16);
      const call = send(opened);
      expect(call.error).toMatchObject({ code: Code.ResourceExhausted, reason: "REQUEST_QUEUE_FULL" });
      expect(opened.stream.take()).toEqual([]);
      expect(opened.stream.reading).toBe(false);
    });

    it("takes the calls that the failure of one brings about, without end", () => {
      const opened = openPeerStream({ limits });
      let retried = 0;
      const retry = () => {
        if (++retried < 5) new TestCall({ onFailed: retry }).on(opened);
      };
      send(opened, { onFailed: retry });
      deliver(opened, 16);
      expect(retried).toBe(5);
      expect(opened.peer.pendingCalls).toBe(0);
    });
  });

  it("[W-20] does not grow under a flood of cancelled requests behind a handler that blocks", async () => {
    const opened = openPeerStream({ limits });
    deliver(opened, 1);
    const refs: WeakRef<object>[] = [];
    for (let at = 0; at < 20_000; at++) {
      const bytes = message({ number: ++lastRequest, payload: "x".repeat(1_000) });
      refs.push(new WeakRef(bytes));
      opened.stream.deliver(bytes);
      opened.stream.deliver(encodeCancel(lastRequest, false));
    }
    expect(opened.stream.reading).toBe(true);
    expect(opened.peer.requests).toBe(1);
    expect(await stillHeld(refs)).toBeLessThan(200);
  });
});
