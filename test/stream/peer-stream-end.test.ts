import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { message } from "../helpers/fake-stream.js";
import { checkLeaks } from "../helpers/leaks.js";
import { openPeerStream } from "../helpers/open-peer-stream.js";
import { send } from "../helpers/test-call.js";
import { turn } from "../helpers/turn.js";

checkLeaks();

const ok = { code: Code.Ok, message: "" };

describe("a PeerStream", () => {
  describe("at its end", () => {
    it("hands back the calls that were sent, by number, and fails none itself", () => {
      const opened = openPeerStream();
      const calls = ["one", "many", "one"].map((replies) =>
        send(opened, { replies: replies as "one" | "many" }),
      );
      opened.stream.finish(Code.Unavailable, "gone");
      expect(opened.ends).toMatchObject([{ status: { code: Code.Unavailable, message: "gone" } }]);
      expect(opened.ends[0]?.sent.map(({ number }) => number)).toEqual(calls.map(({ number }) => number));
      expect(calls.map(({ released }) => released)).toEqual([0, 0, 0]);
      expect(opened.peer.pendingCalls).toBe(0);
    });

    it.each(["none", "one", "many"] as const)(
      "hands back a call with %s replies whose writing was never confirmed",
      (replies) => {
        const opened = openPeerStream({ confirmAll: false });
        const call = send(opened, { replies });
        const waiting = send(opened);
        opened.stream.finish();
        expect(opened.ends[0]?.sent).toEqual([call.call]);
        expect(opened.queue.calls).toBe(1);
        expect(waiting.released).toBe(0);
        // A confirmation that comes all the same counts no more.
        opened.stream.confirm();
        expect(call.written).toBe(0);
        expect(opened.stream.take()).toHaveLength(1);
      },
    );

    it("[W-18] drops what waits and ends the signals, though a handler holds the order", () => {
      const opened = openPeerStream();
      const { stream, handler, ends, peer } = opened;
      for (const number of [1, 2, 3]) stream.deliver({ number });
      const { request } = handler.at(0);
      const { signal } = request;
      stream.finish();
      expect(signal.reason).toBeInstanceOf(QuorateError);
      expect(ends).toMatchObject([{ dropped: 2 }]);
      expect(peer.requests).toBe(0);
      request.reply(Buffer.from("nobody reads"));
      expect(stream.take()).toEqual([]);
    });

    it("tells that nothing is left, though a handler goes on for ever", () => {
      const { stream, told } = openPeerStream();
      stream.deliver({ number: 1 });
      expect(told.idle).toBe(0);
      stream.finish();
      expect(told.idle).toBeGreaterThan(0);
    });

    it("hears nothing any more", () => {
      const opened = openPeerStream();
      const call = send(opened);
      opened.stream.finish();
      opened.stream.deliver({ number: call.number, serverInitiated: true });
      opened.stream.deliver({ number: 9 });
      opened.stream.finish();
      expect(opened.ends).toHaveLength(1);
      expect(call.replies).toEqual([]);
      expect(opened.handler.started).toEqual([]);
    });

    it("is over at once when it is canceled, whatever the transport does", () => {
      const { peer, stream, handler, ends } = openPeerStream({ confirmAll: false });
      stream.deliver({ number: 1 });
      peer.cancel({ code: Code.Aborted, message: "enough" });
      peer.cancel({ code: Code.Internal, message: "twice" });
      expect(stream.canceled).toMatchObject({ code: Code.Aborted });
      expect(ends).toMatchObject([{ status: { code: Code.Aborted } }]);
      expect(handler.at(0).request.signal.aborted).toBe(true);
    });
  });

  describe("whose peer half-closed", () => {
    it("runs what was read, though the stream ends, and discards the answers", async () => {
      const { stream, handler, ends, told, peer } = openPeerStream();
      for (const number of [1, 2]) stream.deliver({ number, payload: String(number) });
      stream.halfClose();
      expect(told.halfClosed).toBe(1);
      handler.at(0).request.declareOneWay();
      stream.finish();
      expect(ends).toMatchObject([{ dropped: 0 }]);
      expect(handler.at(0).request.signal.aborted).toBe(false);
      handler.at(0).request.reply(Buffer.from("nobody reads"));
      handler.at(0).returns();
      await turn();
      expect(handler.started).toEqual(["1", "2"]);
      handler.at(1).returns();
      await turn();
      expect(peer.requests).toBe(0);
      expect(stream.take()).toEqual([]);
    });

    it("ends the signals of those that nobody can answer, and tells those that start later", async () => {
      const { stream, handler, peer } = openPeerStream();
      for (const number of [1, 2]) stream.deliver({ number });
      stream.halfClose();
      const { request, returns } = handler.at(0);
      expect(request.unanswerable).toBe(false);
      stream.finish();
      expect(request.signal.reason).toMatchObject({ code: Code.Canceled });
      returns();
      await turn();
      expect(handler.at(1).request).toMatchObject({ unanswerable: true });
      handler.at(1).returns();
      await turn();
      expect(peer.requests).toBe(0);
    });

    it("does not wait for replies that the end of the stream left unwritten", async () => {
      const { stream, handler, told, peer } = openPeerStream({ confirmAll: false });
      for (const number of [1, 2]) stream.deliver({ number });
      stream.halfClose();
      for (const at of [0, 1]) {
        handler.at(at).request.reply(Buffer.from("answer"));
        handler.at(at).returns();
        await turn();
      }
      expect(peer.requests).toBe(2);
      stream.finish();
      expect(peer.requests).toBe(0);
      expect(told.idle).toBeGreaterThan(0);
    });

    it("drops what was left when its owner says so", () => {
      const { stream, handler, peer } = openPeerStream();
      for (const number of [1, 2]) stream.deliver({ number });
      handler.at(0).request.declareOneWay();
      stream.halfClose();
      stream.finish();
      const reason = new QuorateError(Code.Unavailable, "closing");
      peer.endRequests(reason);
      expect(handler.at(0).request.signal.reason).toBe(reason);
      expect(peer.requests).toBe(0);
    });
  });

  describe("that this side ends", () => {
    it("writes the replies that wait, but no call, and nothing after the end", () => {
      const opened = openPeerStream({ confirmAll: false });
      const { stream, handler, peer } = opened;
      for (const number of [1, 2]) {
        stream.deliver({ number });
        handler.at(number - 1).request.reply(Buffer.from("answer"));
        handler.at(number - 1).request.release();
      }
      send(opened, { replies: "none" });
      peer.end({ code: Code.Unavailable, message: "closing" });
      peer.end(ok);
      expect(stream.endedWith).toBeUndefined();
      stream.confirm();
      expect(stream.endedWith).toBeUndefined();
      stream.confirm();
      expect(stream.endedWith).toMatchObject({ code: Code.Unavailable, message: "closing" });
      expect(stream.take().map(({ number }) => number)).toEqual([1, 2]);
      // The stream throws at a write after the end.
      peer.pump();
      handler.at(1).request.reply(Buffer.from("too late"));
      expect(stream.take()).toEqual([]);
    });

    it("ends behind the one-way call that is being written", () => {
      const opened = openPeerStream({ confirmAll: false });
      const call = send(opened, { replies: "none" });
      opened.peer.end(ok);
      expect(opened.stream.endedWith).toBeUndefined();
      opened.stream.confirm();
      expect(opened.stream.endedWith).toEqual(ok);
      expect(call).toMatchObject({ written: 1, released: 1 });
    });

    it("runs nothing of what it still reads, and turns reading on to learn how the stream ends", () => {
      const { stream, handler, peer, ends } = openPeerStream({ limits: { maxQueuedRequests: 1 } });
      stream.deliver({ number: 1 });
      expect(stream.reading).toBe(false);
      peer.end(ok);
      handler.at(0).request.release();
      stream.deliver(message({ number: 2 }));
      expect(handler.started).toHaveLength(1);
      expect(peer.requests).toBe(1);
      expect(peer.readingPaused).toBe(false);
      stream.finish(Code.Ok);
      expect(ends).toMatchObject([{ status: ok }]);
    });
  });
});
