import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { textOf } from "../helpers/fake-stream.js";
import { checkLeaks } from "../helpers/leaks.js";
import { openPeerStream } from "../helpers/open-peer-stream.js";
import { send } from "../helpers/test-call.js";
import { turn } from "../helpers/turn.js";

checkLeaks();

describe("PeerStream", () => {
  it("answers a request with its own number, high bit and method, and neither status nor metadata", async () => {
    const { stream, handler } = openPeerStream({ side: "dialling" });
    stream.deliver({ number: 7, serverInitiated: true, method: "a.B.C", payload: "ask" });
    expect(handler.started).toEqual(["ask"]);
    handler.at(0).request.reply(Buffer.from("answer"));
    const [reply] = stream.take();
    expect(reply).toMatchObject({ number: 7, serverInitiated: true, method: "a.B.C", status: undefined });
    expect(reply).toMatchObject({ entries: [], timeoutMs: 0, cancel: false });
    expect(reply && textOf(reply)).toBe("answer");
  });

  it("sends an error as a status, without a payload", () => {
    const { stream, handler } = openPeerStream();
    stream.deliver({ number: 7 });
    handler.at(0).request.fail(new QuorateError(Code.NotFound, "no such key"));
    const [reply] = stream.take();
    expect(reply?.status).toMatchObject({ code: Code.NotFound, message: "no such key" });
    expect(reply?.payload).toHaveLength(0);
  });

  it.each([
    ["dialling", false],
    ["accepting", true],
  ] as const)(
    "[PL-04, PL-06] on the %s side numbers calls with the high bit %s, and counts them",
    (side, bit) => {
      const opened = openPeerStream({ side });
      const call = send(opened, { payload: "ask" });
      expect(opened.stream.take()).toMatchObject([{ number: call.number, serverInitiated: bit }]);
      expect(opened.peer.pendingCalls).toBe(1);
      opened.stream.deliver({ number: call.number, serverInitiated: bit, payload: "answer" });
      expect(call).toMatchObject({ text: "answer", written: 1, released: 1 });
      expect(opened.peer.pendingCalls).toBe(0);
    },
  );

  it("[UC-06] never waits for a reply to a one-way call; it is over once written", () => {
    const opened = openPeerStream({ confirmAll: false });
    const call = send(opened, { replies: "none" });
    expect(call).toMatchObject({ written: 0, released: 0 });
    expect(opened.peer.pendingCalls).toBe(1);
    opened.stream.confirm();
    expect(call).toMatchObject({ written: 1, released: 1, errors: [] });
    expect(opened.peer.pendingCalls).toBe(0);
    opened.stream.deliver({ number: call.number, serverInitiated: true });
    expect(opened.lateReplies).toHaveLength(1);
    expect(call.replies).toEqual([]);
  });

  it("writes one message at a time: replies that come meanwhile go ahead of calls that wait", () => {
    const opened = openPeerStream({ confirmAll: false });
    const { stream, handler } = opened;
    const calls = [1, 2, 3].map(() => send(opened));
    stream.deliver({ number: 7 });
    handler.at(0).request.reply(Buffer.from("answer"));
    const written: number[] = [];
    while (stream.writing) {
      written.push(...stream.take().map(({ number }) => number));
      stream.confirm();
    }
    const [first, second, third] = calls.map(({ number }) => number);
    expect(written).toEqual([first, 7, second, third]);
  });

  it("takes a reply that comes before its request is confirmed to be written", () => {
    const opened = openPeerStream({ confirmAll: false });
    const call = send(opened);
    opened.stream.deliver({ number: call.number, serverInitiated: true, payload: "quick" });
    expect(call).toMatchObject({ text: "quick", released: 1 });
    opened.stream.confirm();
    expect(call).toMatchObject({ written: 0, released: 1 });
  });

  it("reads replies while a handler runs, so that a handler may call back", () => {
    const opened = openPeerStream();
    opened.stream.deliver({ number: 1, payload: "outer" });
    const inner = send(opened);
    opened.stream.deliver({ number: inner.number, serverInitiated: true, payload: "inner reply" });
    expect(inner.text).toBe("inner reply");
    expect(opened.handler.started).toEqual(["outer"]);
  });

  it("refuses a request above the limit without running it, and lives on", () => {
    const { stream, handler } = openPeerStream({ limits: { maxMessageBytes: 200 } });
    stream.deliver({ number: 1, payload: "x".repeat(200) });
    expect(stream.take()).toMatchObject([{ number: 1, status: { code: Code.ResourceExhausted } }]);
    expect(handler.started).toEqual([]);
    stream.deliver({ number: 2, payload: "short" });
    expect(handler.started).toEqual(["short"]);
  });

  it("sends an error in place of a reply above the limit", () => {
    const { stream, handler } = openPeerStream({ limits: { maxMessageBytes: 400 } });
    stream.deliver({ number: 1 });
    handler.at(0).request.reply(Buffer.from("x".repeat(400)));
    const [reply] = stream.take();
    expect(reply?.status).toMatchObject({ code: Code.ResourceExhausted });
    expect(stream.lastBytes.length).toBeLessThan(400);
  });

  it("says once that a message is malformed, and reads no more", () => {
    const { stream, handler, malformed } = openPeerStream();
    stream.deliver(Uint8Array.of(0xff, 0xff));
    stream.deliver(Uint8Array.of(0xff, 0xff));
    stream.deliver({ number: 1 });
    expect(malformed).toMatchObject([{ code: Code.InvalidArgument, reason: "MALFORMED_ENVELOPE" }]);
    expect(handler.started).toEqual([]);
  });

  it("answers each request with the refusal if its owner refuses the peer for a malformed message", () => {
    const { stream, handler, malformed } = openPeerStream({
      malformed: (peer, error) => peer.refuseRequests(error),
    });
    stream.deliver(Uint8Array.of(0xff, 0xff));
    stream.deliver(Uint8Array.of(0xff, 0xff));
    stream.deliver({ number: 4 });
    expect(stream.take()).toMatchObject([{ number: 4, status: { code: Code.InvalidArgument } }]);
    expect(malformed).toHaveLength(1);
    expect(handler.started).toEqual([]);
  });

  it("serves an untracked peer whatever numbers it uses, and repeats them", () => {
    const { stream, handler } = openPeerStream({ callable: false });
    stream.deliver({ number: 5, serverInitiated: true });
    handler.at(0).request.reply(Buffer.from("answer"));
    expect(stream.take()).toMatchObject([{ number: 5, serverInitiated: true }]);
  });

  it("tells when nothing of the peer's requests is left, which includes the writing of the last reply", async () => {
    const { peer, stream, handler, told } = openPeerStream({ confirmAll: false });
    stream.deliver({ number: 1 });
    handler.at(0).request.reply(Buffer.from("answer"));
    handler.at(0).returns();
    await turn();
    expect(peer.idle).toBe(false);
    expect(told.idle).toBe(0);
    stream.confirm();
    expect(peer.idle).toBe(true);
    expect(told.idle).toBeGreaterThan(0);
  });
});
