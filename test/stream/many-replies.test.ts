import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { readFeatures } from "../../internal/stream/features.js";
import type { IncomingRequest } from "../../internal/stream/request-handler.js";
import { encodeCancel, encodeEnd } from "../../internal/wire/encode-envelope.js";
import { Metadata } from "../../internal/wire/metadata.js";
import { message, textOf } from "../helpers/fake-stream.js";
import { checkLeaks } from "../helpers/leaks.js";
import { openPeerStream } from "../helpers/open-peer-stream.js";
import { send } from "../helpers/test-call.js";
import { turn } from "../helpers/turn.js";

checkLeaks();

describe("a call with many replies", () => {
  it("is over at the end of its replies", () => {
    const opened = openPeerStream();
    const call = send(opened, { replies: "many" });
    opened.stream.deliver({ number: call.number, serverInitiated: true, payload: "a" });
    opened.stream.deliver({ number: call.number, serverInitiated: true, payload: "b" });
    expect(call).toMatchObject({ completed: 0, released: 0 });
    opened.stream.deliver(encodeEnd(call.number, true));
    expect(call).toMatchObject({ completed: 1, released: 1, errors: [] });
    expect(call.replies.map(textOf)).toEqual(["a", "b"]);
    expect(opened.peer.pendingCalls).toBe(0);
    opened.stream.deliver(encodeEnd(call.number, true));
    expect(opened.lateReplies).toHaveLength(1);
    expect(call.completed).toBe(1);
  });

  it("is over at an error among its replies", () => {
    const opened = openPeerStream();
    const call = send(opened, { replies: "many" });
    const error = new QuorateError(Code.NotFound, "no more");
    opened.stream.deliver({ number: call.number, serverInitiated: true, error });
    expect(call).toMatchObject({ completed: 0, released: 1 });
    expect(call.replies[0]?.status).toMatchObject({ code: Code.NotFound });
    expect(opened.peer.pendingCalls).toBe(0);
  });

  it("is not what a peer ends that owes one reply: that call fails", () => {
    const opened = openPeerStream();
    const call = send(opened);
    opened.stream.deliver(encodeEnd(call.number, true));
    expect(call).toMatchObject({ completed: 0, released: 1, replies: [] });
    expect(call.error).toMatchObject({ code: Code.Internal });
  });

  it("is withdrawn when it is forgotten, queued or sent: its replies would go on for nobody", () => {
    const opened = openPeerStream({ confirmAll: false });
    const blocking = send(opened, { replies: "none" });
    const queued = send(opened, { replies: "many" });
    queued.call.forget();
    expect(queued).toMatchObject({ released: 1, errors: [] });
    opened.stream.take();
    opened.stream.confirm();
    expect(blocking.released).toBe(1);
    expect(opened.stream.take()).toEqual([]);
  });
});

/** Runs one request with what the test does to it. */
function served(serve: (request: IncomingRequest) => Promise<void>, offer = "deadline,cancel,end") {
  const features = readFeatures(Metadata.from({ "quorate-features": offer }));
  return openPeerStream({ handler: serve, features, confirmAll: false });
}

describe("a request with many replies", () => {
  it("sends each reply when the one before was taken, then the end", async () => {
    const sent: boolean[] = [];
    const opened = served(async (request) => {
      for (const text of ["a", "b"]) sent.push(await request.replyNext(Buffer.from(text)));
      request.endReplies();
    });
    opened.stream.deliver(message({ number: 7 }));
    for (const text of ["a", "b"]) {
      await turn();
      const [reply, ...more] = opened.stream.take();
      expect(more).toEqual([]);
      expect(reply).toMatchObject({ number: 7, end: false });
      expect(reply && textOf(reply)).toBe(text);
      await turn();
      expect(opened.stream.take()).toEqual([]);
      opened.stream.confirm();
    }
    await turn();
    expect(sent).toEqual([true, true]);
    expect(opened.stream.take()).toMatchObject([{ number: 7, method: "", end: true, cancel: false }]);
    opened.stream.confirm();
    expect(opened.peer.idle).toBe(true);
  });

  it("sends no end to a peer that did not ask for it", async () => {
    const opened = served(async (request) => request.endReplies(), "deadline,cancel");
    opened.stream.deliver(message({ number: 7 }));
    await turn();
    expect(opened.stream.take()).toEqual([]);
    expect(opened.peer.idle).toBe(true);
  });

  it("says that no more are wanted once the caller is gone, or the stream", async () => {
    const sent: boolean[] = [];
    const opened = served(async (request) => {
      sent.push(await request.replyNext(Buffer.from("a")));
      sent.push(await request.replyNext(Buffer.from("b")));
    });
    opened.stream.deliver(message({ number: 7 }));
    opened.stream.deliver(message({ number: 8 }));
    opened.stream.deliver(encodeCancel(7, false));
    opened.stream.take();
    opened.stream.confirm();
    await turn();
    expect(sent).toEqual([false, false]);
    opened.stream.take();
    opened.stream.finish();
    await turn();
    expect(sent).toEqual([false, false, false, false]);
  });

  it("says that no more are wanted after one that is above the limit, which the caller is told", async () => {
    const sent: boolean[] = [];
    const opened = openPeerStream({
      limits: { maxMessageBytes: 1_000 },
      handler: async (request) => void sent.push(await request.replyNext(Buffer.alloc(2_000))),
    });
    opened.stream.deliver(message({ number: 7 }));
    await turn();
    expect(sent).toEqual([false]);
    expect(opened.stream.take()).toMatchObject([{ number: 7, status: { code: Code.ResourceExhausted } }]);
  });
});
