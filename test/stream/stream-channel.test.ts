import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { readFeatures } from "../../internal/stream/features.js";
import { StreamChannel } from "../../internal/stream/stream-channel.js";
import { FakeStream, ourHeaders } from "../helpers/fake-stream.js";
import { checkLeaks } from "../helpers/leaks.js";
import { ManualHandler } from "../helpers/manual-handler.js";
import { defaultLimits } from "../helpers/open-peer-stream.js";
import { send, TestCall } from "../helpers/test-call.js";

checkLeaks();

function openChannel({ confirmAll = true, limits = {} } = {}) {
  const stream = new FakeStream({ confirmAll });
  const handler = new ManualHandler();
  const told: string[] = [];
  const tell = (what: string) => () => {
    told.push(what);
  };
  const channel: StreamChannel = new StreamChannel({
    stream,
    side: "accepting",
    callable: true,
    features: readFeatures(ourHeaders),
    handler: handler.handle,
    peer: "node 7",
    limits: { ...defaultLimits, ...limits },
    observer: {
      lateReply: tell("late reply"),
      malformed: tell("malformed"),
      limitReached: (limit) => told.push(`${limit} full`),
      halfClosed: tell("half-closed"),
      idle: () => {},
      ended: (_, sent, dropped) => {
        told.push(`ended, ${sent.length} sent, ${dropped} dropped, connected: ${channel.connected}`);
      },
    },
  });
  return { channel, stream, handler, told };
}

const unavailable = (reason: string) => ({ code: Code.Unavailable, reason });

describe("StreamChannel", () => {
  it("[LC-16, UC-01] confirms a one-way call when the transport has taken it", () => {
    const { channel, stream } = openChannel({ confirmAll: false });
    const call = send(channel, { replies: "none" });
    expect(channel.pendingCalls).toBe(1);
    stream.confirm();
    expect(call).toMatchObject({ written: 1, released: 1, errors: [] });
    expect(channel.pendingCalls).toBe(0);
  });

  it("[KP-13, LC-19] fails all its calls when the stream ends, whether they were written or not", () => {
    const { channel, stream, told } = openChannel({ confirmAll: false });
    const written = send(channel, { replies: "many" });
    stream.confirm();
    // Idempotent calls too: who comes back has a new channel.
    const calls = [written, send(channel, { resend: true }), send(channel, { waitForReady: true })];
    const oneWay = send(channel, { replies: "none" });
    expect(channel.pendingCalls).toBe(4);
    stream.finish(Code.Unavailable, "the cable was cut");
    for (const call of [...calls, oneWay]) {
      expect(call.error).toMatchObject(unavailable("STREAM_LOST"));
      expect(call.error?.message).toContain("node 7");
      expect(call.error?.cause).toMatchObject({ message: "the cable was cut" });
      expect(call.released).toBe(1);
    }
    expect(told).toEqual(["ended, 2 sent, 0 dropped, connected: false"]);
    expect(channel.pendingCalls).toBe(0);
  });

  it("[LC-18, W-14] never reconnects: later calls fail at once", () => {
    const { channel, stream } = openChannel();
    stream.finish();
    expect(channel.connected).toBe(false);
    const call = send(channel, { waitForReady: true });
    expect(call).toMatchObject({ errors: [unavailable("STREAM_LOST")], released: 1 });
    expect(stream.take()).toEqual([]);
  });

  it("tells its owner of the end before a caller, so that the caller finds the peer gone", () => {
    const { channel, stream, told } = openChannel();
    send(channel, { onFailed: () => told.push("failed") });
    stream.finish();
    expect(told.map((what) => what.split(",")[0])).toEqual(["ended", "failed"]);
  });

  it("[LC-17, PL-03] fails the pending calls when it is closed, and ends the stream behind what waits", () => {
    const { channel, stream, handler } = openChannel({ confirmAll: false });
    stream.deliver({ number: 1 });
    handler.at(0).request.reply(Buffer.from("answer"));
    const calls = Array.from({ length: 5 }, () => send(channel));
    channel.close({ code: Code.Unavailable, message: "closing" });
    for (const call of calls) expect(call).toMatchObject({ errors: [unavailable("CLOSED")], released: 1 });
    expect(channel.connected).toBe(false);
    expect(send(channel).error).toMatchObject(unavailable("CLOSED"));
    expect(stream.endedWith).toBeUndefined();
    stream.confirm();
    expect(stream.endedWith).toMatchObject({ code: Code.Unavailable, message: "closing" });
    expect(stream.take()).toMatchObject([{ number: 1 }]);
  });

  it("confirms the one-way call that is being written when it is closed", () => {
    const { channel, stream } = openChannel({ confirmAll: false });
    const [writing, waiting] = [send(channel, { replies: "none" }), send(channel, { replies: "none" })];
    channel.close({ code: Code.Ok, message: "" });
    expect(waiting.error).toMatchObject(unavailable("CLOSED"));
    stream.confirm();
    expect(writing).toMatchObject({ written: 1, errors: [], released: 1 });
  });

  it("fails what is being written too when it is canceled", () => {
    const { channel, stream, told } = openChannel({ confirmAll: false });
    const calls = [send(channel, { replies: "none" }), send(channel)];
    channel.cancel({ code: Code.Canceled, message: "enough" });
    for (const call of calls) expect(call).toMatchObject({ errors: [unavailable("CLOSED")], released: 1 });
    expect(stream.canceled).toMatchObject({ code: Code.Canceled });
    expect(told).toHaveLength(1);
  });

  it("fails a call at once when the send queue is full, and says so", () => {
    const { channel, stream, told } = openChannel({ confirmAll: false, limits: { maxQueuedCalls: 2 } });
    const calls = Array.from({ length: 3 }, () => send(channel, { replies: "none" }));
    const refused = send(channel);
    expect(refused).toMatchObject({
      errors: [{ code: Code.ResourceExhausted, reason: "SEND_QUEUE_FULL" }],
      released: 1,
    });
    expect(told).toEqual(["sendQueue full"]);
    for (const _ of calls) stream.confirm();
    expect(calls.map(({ written }) => written)).toEqual([1, 1, 1]);
  });

  it("stops reading for a call that is withdrawn while it waits", () => {
    const { channel, stream } = openChannel({ confirmAll: false, limits: { maxQueuedRequests: 2 } });
    send(channel).call.forget();
    const waiting = send(channel);
    for (const number of [1, 2, 3]) stream.deliver({ number });
    expect(stream.reading).toBe(true);
    waiting.abort();
    expect(stream.reading).toBe(false);
  });

  it("[W-12] keeps a stalled stream's queue small under calls that give up", () => {
    const { channel, stream } = openChannel({ confirmAll: false, limits: { maxQueuedCalls: 10 } });
    send(channel);
    const codes = new Set<Code | undefined>();
    for (let at = 0; at < 20_000; at++) {
      const short = new TestCall().on(channel);
      short.abort();
      codes.add(short.error?.code);
    }
    expect([...codes]).toEqual([Code.Canceled]);
    expect(channel.pendingCalls).toBe(1);
    stream.confirm();
    expect(stream.take()).toHaveLength(1);
  });
});
