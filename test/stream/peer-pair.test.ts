import { afterEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../internal/errors/code.js";
import type { RequestHandler } from "../../internal/stream/request-handler.js";
import { eventually } from "../helpers/eventually.js";
import { textOf } from "../helpers/fake-stream.js";
import { checkLeaks } from "../helpers/leaks.js";
import { ManualHandler } from "../helpers/manual-handler.js";
import { echo, type OpenPairInit, openPair } from "../helpers/open-pair.js";
import { send } from "../helpers/test-call.js";
import { turn } from "../helpers/turn.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

const sides = ["dialling", "accepting"] as const;
const other = { dialling: "accepting", accepting: "dialling" } as const;

/** A pair at which the peer of `side` runs this handler. */
function openFor(side: "dialling" | "accepting", handler: RequestHandler, more: OpenPairInit = {}) {
  return openPair({ ...more, [other[side]]: handler });
}

describe.each(sides)("calls of the %s side of a stream", (side) => {
  it("[OR-01, W-19] are handled one at a time, in the order in which they were made", async () => {
    const seen: string[] = [];
    let running = 0;
    let most = 0;
    const pair = openFor(side, async (request) => {
      running += 1;
      most = Math.max(most, running);
      seen.push(textOf(request));
      await turn();
      request.reply(request.payload);
      running -= 1;
    });
    const payloads = Array.from({ length: 100 }, (_, at) => String(at));
    const calls = payloads.map((payload) => send(pair[side], { payload }));
    await Promise.all(calls.map(({ over }) => over));
    expect(seen).toEqual(payloads);
    expect(most).toBe(1);
    expect(calls.map(({ text }) => text)).toEqual(payloads);
    pair.close();
  });

  it("[HB-01] end at their deadlines behind a handler that never returns, and never as canceled", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const handler = new ManualHandler();
    const pair = openFor(side, handler.handle);
    send(pair[side]);
    const codes: (Code | undefined)[] = [];
    for (let at = 0; at < 100; at++) {
      const call = send(pair[side], { timeoutMs: 10 });
      await turn();
      vi.advanceTimersByTime(16);
      codes.push(call.error?.code);
    }
    expect(codes).toEqual(codes.map(() => Code.DeadlineExceeded));
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(handler.running).toHaveLength(1);
    expect(pair[other[side]].stream.requests).toBe(1);
    expect(pair[side].pendingCalls).toBe(1);
    pair.close();
    await eventually(() => !pair[side].connected);
  });

  it("end the signal of the handler when they are aborted", async () => {
    const handler = new ManualHandler();
    const pair = openFor(side, handler.handle);
    const call = send(pair[side]);
    await eventually(() => handler.running.length === 1);
    const { signal } = handler.at(0).request;
    call.abort();
    await eventually(() => signal.aborted);
    expect(signal.reason).toMatchObject({ code: Code.Canceled });
    expect(pair[side].connected).toBe(true);
    pair.close();
  });

  it("[W-13] are not held up by one with many replies that nobody reads any longer", async () => {
    const pair = openFor(side, async (request) => {
      const many = textOf(request) === "many";
      if (many) request.release();
      for (let at = 0; at < (many ? 500 : 1); at++) {
        request.reply(Buffer.from(`reply ${at}`));
        if (many && at % 50 === 0) await turn();
      }
    });
    const many = send(pair[side], { replies: "many", payload: "many" });
    await eventually(() => many.replies.length > 0);
    many.call.forget();
    const call = send(pair[side], { payload: "one" });
    await call.over;
    expect(call.text).toBe("reply 0");
    expect(pair[side].pendingCalls).toBe(0);
    pair.close();
  });

  it("with a request or a reply above the limit fail alone", async () => {
    const limits = { maxMessageBytes: 500 };
    const answers = async (request: Parameters<RequestHandler>[0]) =>
      request.reply(textOf(request) === "long" ? Buffer.alloc(500) : request.payload);
    const pair = openFor(side, answers, { limits });
    const calls = ["x".repeat(500), "long", "short"].map((payload) => send(pair[side], { payload }));
    await Promise.all(calls.map(({ over }) => over));
    const codes = calls.map(({ replies }) => replies[0]?.status?.code);
    expect(codes).toEqual([Code.ResourceExhausted, Code.ResourceExhausted, undefined]);
    expect(calls[2]?.text).toBe("short");
    pair.close();
  });
});

describe("two streams", () => {
  it("carry each reply on the stream that its request came on", async () => {
    const handler = new ManualHandler();
    const pairs = [openPair({ accepting: handler.handle }), openPair({ accepting: handler.handle })];
    // The same number on both, as a quorum call has it.
    const calls = pairs.map(({ dialling }, at) => send(dialling, { number: 7_000_001, payload: `${at}` }));
    await eventually(() => handler.running.length === 2);
    for (const { request, returns } of [...handler.running].toReversed()) {
      request.reply(Buffer.from(`reply to ${textOf(request)}`));
      returns();
    }
    await Promise.all(calls.map(({ over }) => over));
    expect(calls.map(({ text }) => text)).toEqual(["reply to 0", "reply to 1"]);
    for (const { close } of pairs) close();
  });

  it("[OR-05, W-10] are served side by side: a blocked or stalled one holds up no other", async () => {
    const blocked = openPair({ accepting: () => new Promise(() => {}), limits: { maxQueuedRequests: 2 } });
    const free = openPair();
    const stuck = Array.from({ length: 100 }, () => send(blocked.dialling, { replies: "none" }));
    const calls = Array.from({ length: 100 }, () => send(free.dialling));
    await Promise.all(calls.map(({ over }) => over));
    expect(calls.filter(({ replies }) => replies.length !== 1)).toEqual([]);
    expect(stuck.filter(({ released }) => released === 0).length).toBeGreaterThan(50);
    for (const { close } of [blocked, free]) close();
    await Promise.all(stuck.map(({ over }) => over));
  });
});

describe("two peers that call each other at once", () => {
  it("do not deadlock when their request queues are full and their handlers call back", async () => {
    const limits = { maxQueuedRequests: 4 };
    const nested: RequestHandler = async (request) => {
      if (textOf(request) === "inner") return echo(request);
      // Not released: the reply of the inner call comes behind more requests of the peer.
      const inner = send(pair.dialling, { payload: "plain" });
      await inner.over;
      request.reply(Buffer.from(inner.error === undefined ? "both" : "outer only"));
    };
    const pair = openPair({ limits, dialling: nested });
    const calls = Array.from({ length: 12 }, () => send(pair.accepting, { payload: "outer" }));
    await Promise.all(calls.map(({ over }) => over));
    expect(calls.map(({ text }) => text)).toEqual(calls.map(() => "both"));
    pair.close();
  });

  it("get 1,000 acknowledged one-way calls through before a stream is closed in order", async () => {
    let arrived = 0;
    const pair = openPair({
      accepting: async () => {
        arrived += 1;
      },
    });
    const calls = Array.from({ length: 1_000 }, () => send(pair.dialling, { replies: "none" }));
    await eventually(() => calls.some(({ written }) => written > 0));
    pair.dialling.close({ code: Code.Ok, message: "" });
    const acknowledged = calls.filter(({ written }) => written > 0).length;
    await eventually(() => arrived >= acknowledged);
    await Promise.all(calls.map(({ over }) => over));
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(arrived).toBe(calls.filter(({ written }) => written > 0).length);
    pair.close();
  });
});
