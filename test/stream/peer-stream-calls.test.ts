import { afterEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { featuresHeader, noFeatures, readFeatures } from "../../internal/stream/features.js";
import { encodeCancel } from "../../internal/wire/encode-envelope.js";
import { Metadata } from "../../internal/wire/metadata.js";
import { checkLeaks } from "../helpers/leaks.js";
import { openPeerStream } from "../helpers/open-peer-stream.js";
import { send } from "../helpers/test-call.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

const useFakeClock = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
const offers = (names: string) => readFeatures(Metadata.from({ [featuresHeader]: names }));

describe("the deadline of a call", () => {
  it.each([
    { offered: "deadline", timeoutMs: 1_500, sent: 1_500 },
    { offered: "batch, deadline,cancel", timeoutMs: 1_500, sent: 1_500 },
    { offered: "deadline", timeoutMs: 0.2, sent: 1 },
    { offered: "deadline", timeoutMs: 2 ** 31 - 1, sent: 2 ** 31 - 1 },
    { offered: "deadline", timeoutMs: 2 ** 31, sent: 0 },
    { offered: "deadline", timeoutMs: undefined, sent: 0 },
    { offered: "cancel", timeoutMs: 1_500, sent: 0 },
    { offered: "", timeoutMs: 1_500, sent: 0 },
  ])(
    "of $timeoutMs ms is sent as $sent to a peer that offered '$offered'",
    ({ offered, timeoutMs, sent }) => {
      useFakeClock();
      const opened = openPeerStream({ features: offers(offered) });
      const call = send(opened, timeoutMs === undefined ? {} : { timeoutMs });
      expect(opened.stream.take()).toMatchObject([{ number: call.number, timeoutMs: sent }]);
      call.abort();
    },
  );

  it("is not sent before the peer's headers are here, and after them is", () => {
    useFakeClock();
    const opened = openPeerStream({ side: "dialling", features: noFeatures });
    const early = send(opened, { timeoutMs: 500 });
    opened.stream.accept();
    const later = send(opened, { timeoutMs: 500 });
    expect(opened.stream.take().map(({ timeoutMs }) => timeoutMs)).toEqual([0, 500]);
    early.abort();
    later.abort();
  });

  it("is sent as what is left when the call is written", () => {
    useFakeClock();
    const opened = openPeerStream({ confirmAll: false });
    send(opened, { replies: "none" });
    const call = send(opened, { timeoutMs: 500 });
    opened.stream.take();
    vi.advanceTimersByTime(180);
    opened.stream.confirm();
    expect(opened.stream.take()).toMatchObject([{ number: call.number, timeoutMs: 320 }]);
    call.abort();
  });

  it("[CX-02, HB-03] ends a call that waits behind a stalled write; it is never sent", () => {
    useFakeClock();
    const opened = openPeerStream({ confirmAll: false });
    send(opened, { replies: "none" });
    const calls = [send(opened, { timeoutMs: 50 }), send(opened, { timeoutMs: 50, replies: "none" })];
    opened.stream.take();
    vi.advanceTimersByTime(60);
    expect(calls.map(({ error }) => error?.code)).toEqual([Code.DeadlineExceeded, Code.DeadlineExceeded]);
    expect(opened.queue.calls).toBe(0);
    opened.stream.confirm();
    expect(opened.stream.take()).toEqual([]);
  });

  it("keeps a call from being sent though its timer is late", () => {
    const opened = openPeerStream({ confirmAll: false });
    send(opened, { replies: "none" });
    const call = send(opened, { timeoutMs: 1_000 });
    opened.stream.take();
    const later = performance.now() + 1_001;
    vi.spyOn(performance, "now").mockReturnValue(later);
    opened.stream.confirm();
    vi.restoreAllMocks();
    expect(opened.stream.take()).toEqual([]);
    expect(call).toMatchObject({ errors: [{ code: Code.DeadlineExceeded }], released: 1 });
    expect(opened.peer.pendingCalls).toBe(0);
  });
});

describe("a call whose caller no longer waits", () => {
  it.each([
    { offered: "cancel", side: "dialling", cancels: 1 },
    { offered: "cancel", side: "accepting", cancels: 1 },
    { offered: "deadline", side: "dialling", cancels: 0 },
    { offered: "", side: "accepting", cancels: 0 },
  ] as const)("sends $cancels cancels from the $side side to a peer that offered '$offered'", (row) => {
    const opened = openPeerStream({ side: row.side, features: offers(row.offered) });
    const call = send(opened);
    opened.stream.take();
    call.abort();
    call.abort();
    const bytes = opened.stream.takeBytes().map((sent) => Buffer.from(sent));
    const cancel = Buffer.from(encodeCancel(call.number, row.side === "accepting"));
    expect(bytes).toEqual(row.cancels === 1 ? [cancel] : []);
    expect(call).toMatchObject({ errors: [{ code: Code.Canceled }], released: 1 });
    expect(opened.peer.pendingCalls).toBe(0);
  });

  it.each([
    { offered: "deadline,cancel", cancels: 0 },
    { offered: "cancel", cancels: 1 },
  ])("sends $cancels cancels at its deadline to a peer that offered '$offered'", ({ offered, cancels }) => {
    useFakeClock();
    const opened = openPeerStream({ features: offers(offered) });
    const call = send(opened, { timeoutMs: 50 });
    opened.stream.take();
    vi.advanceTimersByTime(60);
    expect(call.error).toMatchObject({ code: Code.DeadlineExceeded });
    expect(opened.stream.take().filter(({ cancel }) => cancel)).toHaveLength(cancels);
    expect(opened.peer.pendingCalls).toBe(0);
  });

  it("cancels at the peer when it is aborted, though the peer knows the deadline", () => {
    const opened = openPeerStream();
    const call = send(opened, { timeoutMs: 60_000 });
    call.abort();
    expect(opened.stream.take()).toMatchObject([
      { timeoutMs: 60_000 },
      { number: call.number, cancel: true },
    ]);
  });

  it("[CX-01] is never sent if it was aborted while it waited", () => {
    const opened = openPeerStream({ confirmAll: false });
    send(opened, { replies: "none" });
    const calls = [send(opened), send(opened, { replies: "none" })];
    opened.stream.take();
    for (const call of calls) call.abort();
    opened.stream.confirm();
    expect(opened.stream.take()).toEqual([]);
    expect(calls.map(({ error, released }) => [error?.code, released])).toEqual([
      [Code.Canceled, 1],
      [Code.Canceled, 1],
    ]);
  });

  it("[CX-05, W-04, W-06] leaves the stream alone if it is aborted while it is being written", () => {
    const opened = openPeerStream({ confirmAll: false });
    const { stream } = opened;
    const aborted = send(opened);
    const other = send(opened);
    aborted.abort();
    expect(aborted).toMatchObject({ errors: [{ code: Code.Canceled }], released: 1 });
    stream.confirm();
    expect(stream.take()).toMatchObject([
      { number: aborted.number, cancel: false },
      { number: aborted.number, cancel: true },
    ]);
    stream.confirm();
    expect(stream.take()).toMatchObject([{ number: other.number }]);
    stream.confirm();
    stream.deliver({ number: other.number, serverInitiated: true, payload: "served" });
    expect(other.text).toBe("served");
    expect(stream.over).toBe(false);
    expect(aborted).toMatchObject({ written: 0, released: 1 });
  });

  it("sends nothing more for a one-way call that is being written", () => {
    const opened = openPeerStream({ confirmAll: false });
    const call = send(opened, { replies: "none" });
    call.abort();
    expect(call).toMatchObject({ errors: [{ code: Code.Canceled }], released: 1 });
    opened.stream.confirm();
    expect(opened.stream.take()).toHaveLength(1);
    expect(call).toMatchObject({ written: 0, released: 1 });
    expect(opened.peer.pendingCalls).toBe(0);
  });

  it("[CX-03] has a reply that was routed first", () => {
    const opened = openPeerStream();
    const call = send(opened);
    opened.stream.deliver({ number: call.number, serverInitiated: true, payload: "in time" });
    call.abort();
    expect(call).toMatchObject({ text: "in time", errors: [], released: 1 });
    expect(opened.stream.take().filter(({ cancel }) => cancel)).toEqual([]);
  });

  it("[PL-08, W-12] drops the reply that comes late, and says so", () => {
    const opened = openPeerStream();
    const call = send(opened);
    call.abort();
    opened.stream.deliver({ number: call.number, serverInitiated: true });
    expect(call.replies).toEqual([]);
    expect(opened.lateReplies).toMatchObject([{ number: call.number }]);
  });
});

describe("a call that is forgotten", () => {
  it.each([
    { replies: "one", cancels: 0 },
    { replies: "many", cancels: 1 },
  ] as const)("[W-12] goes at once if it was sent with $replies replies to come", ({ replies, cancels }) => {
    const opened = openPeerStream();
    const call = send(opened, { replies });
    call.call.forget();
    expect(call).toMatchObject({ released: 1, errors: [] });
    expect(opened.peer.pendingCalls).toBe(0);
    expect(opened.stream.take().filter(({ cancel }) => cancel)).toHaveLength(cancels);
    opened.stream.deliver({ number: call.number, serverInitiated: true });
    expect(call.replies).toEqual([]);
    expect(opened.lateReplies).toHaveLength(1);
  });

  it("is still sent if it waits, and then nobody waits for it", () => {
    const opened = openPeerStream({ confirmAll: false });
    send(opened, { replies: "none" });
    const call = send(opened);
    call.call.forget();
    expect(call.released).toBe(0);
    opened.stream.take();
    opened.stream.confirm();
    expect(opened.stream.take()).toMatchObject([{ number: call.number }]);
    expect(opened.peer.pendingCalls).toBe(0);
    opened.stream.confirm();
    expect(call).toMatchObject({ released: 1, written: 0, errors: [] });
    opened.stream.deliver({ number: call.number, serverInitiated: true });
    expect(opened.lateReplies).toHaveLength(1);
  });

  it("is let go of without a word if its deadline passes first, or its stream ends while it is written", () => {
    useFakeClock();
    const opened = openPeerStream({ confirmAll: false });
    const [writing, waiting] = [send(opened, { timeoutMs: 9_000 }), send(opened, { timeoutMs: 50 })];
    for (const { call } of [writing, waiting]) call.forget();
    vi.advanceTimersByTime(60);
    expect(waiting).toMatchObject({ released: 1, errors: [] });
    // It was being written when it was forgotten: nobody waits any longer, so nothing is left of it.
    expect(writing).toMatchObject({ released: 1, errors: [] });
    opened.stream.finish();
    expect(opened.ends).toMatchObject([{ sent: [] }]);
  });
});
