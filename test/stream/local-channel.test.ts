import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { createLocalChannel, type LocalChannel } from "../../internal/stream/local-channel.js";
import type { RequestHandler } from "../../internal/stream/request-handler.js";
import { eventually } from "../helpers/eventually.js";
import { textOf } from "../helpers/fake-stream.js";
import { checkLeaks } from "../helpers/leaks.js";
import { ManualHandler } from "../helpers/manual-handler.js";
import { defaultLimits } from "../helpers/open-peer-stream.js";
import { send, TestCall } from "../helpers/test-call.js";
import { turn } from "../helpers/turn.js";

checkLeaks();

function openLocal(handler: RequestHandler): LocalChannel {
  return createLocalChannel({
    peer: "node 1",
    handler,
    limits: defaultLimits,
    observer: {
      lateReply: () => {},
      malformed: () => {},
      limitReached: () => {},
      halfClosed: () => {},
      idle: () => {},
      ended: () => {},
    },
  });
}

describe("the channel of a node to itself", () => {
  it("[SE-06, W-11] runs calls one at a time, in order, without blocking their caller", async () => {
    const handler = new ManualHandler();
    const local = openLocal(handler.handle);
    const calls = ["a", "b", "c"].map((payload) => send(local.channel, { payload }));
    expect(handler.started).toEqual([]);
    for (const [at, payload] of ["a", "b", "c"].entries()) {
      await eventually(() => handler.started.length === at + 1);
      await turn();
      expect(handler.started.at(-1)).toBe(payload);
      handler.at(at).request.reply(Buffer.from(`${payload}!`));
      handler.at(at).returns();
    }
    await Promise.all(calls.map(({ over }) => over));
    expect(calls.map(({ text }) => text)).toEqual(["a!", "b!", "c!"]);
    local.close();
  });

  it("hands over a copy of the bytes", async () => {
    const handler = new ManualHandler();
    const local = openLocal(handler.handle);
    const call = new TestCall({ payload: "sent" }).on(local.channel);
    call.call.body.fill(0);
    await eventually(() => handler.running.length === 1);
    expect(handler.started).toEqual(["sent"]);
    local.close();
  });

  it("[SE-05] confirms a one-way call before the handler runs", async () => {
    let writtenBefore: number | undefined;
    const local = openLocal(async () => {
      writtenBefore = call.written;
    });
    const call = send(local.channel, { replies: "none" });
    await eventually(() => writtenBefore !== undefined);
    expect(writtenBefore).toBe(1);
    expect(call).toMatchObject({ written: 1, released: 1, errors: [] });
    local.close();
  });

  it("[SE-04] ends a call at its deadline while another one blocks the handler, and never runs it", async () => {
    const handler = new ManualHandler();
    const local = openLocal(handler.handle);
    const blocking = send(local.channel, { payload: "blocking" });
    const call = send(local.channel, { payload: "blocked", timeoutMs: 20 });
    await call.over;
    expect(call.error?.code).toBe(Code.DeadlineExceeded);
    handler.at(0).request.reply(Buffer.from("done"));
    handler.at(0).returns();
    await blocking.over;
    await turn();
    expect(handler.started).toEqual(["blocking"]);
    local.close();
  });

  it.each([
    { releases: false, inner: Code.DeadlineExceeded },
    { releases: true, inner: Code.Ok },
  ])(
    "[W-11] a handler that calls itself and releases first ($releases) has the inner call end with $inner",
    async ({ releases, inner }) => {
      const codes: number[] = [];
      const local: LocalChannel = openLocal(async (request) => {
        if (textOf(request) === "outer") {
          if (releases) request.release();
          const call = send(local.channel, { payload: "inner", timeoutMs: releases ? 10_000 : 20 });
          await call.over;
          codes.push(call.error?.code ?? Code.Ok);
        }
        request.reply(Buffer.from("done"));
      });
      const outer = send(local.channel, { payload: "outer" });
      await outer.over;
      expect(outer.text).toBe("done");
      expect(codes).toEqual([inner]);
      local.close();
    },
  );

  it("does not keep the event loop busy with calls to itself", async () => {
    let served = 0;
    const local = openLocal(async (request) => {
      served += 1;
      request.reply(request.payload);
    });
    let made = 0;
    const again = () => {
      if (++made < 200) new TestCall({ onReply: again }).on(local.channel);
    };
    again();
    let turns = 0;
    await eventually(() => {
      turns += 1;
      return served === 199;
    });
    expect(turns).toBeGreaterThan(100);
    local.close();
  });

  it("fails what is pending when it is closed, and ends the signals of what runs", async () => {
    const handler = new ManualHandler();
    const local = openLocal(handler.handle);
    const calls = [send(local.channel), send(local.channel, { waitForReady: true })];
    await eventually(() => handler.running.length === 1);
    local.close();
    local.close();
    for (const call of calls) {
      expect(call).toMatchObject({ errors: [{ code: Code.Unavailable, reason: "CLOSED" }], released: 1 });
    }
    expect(handler.at(0).request.signal.aborted).toBe(true);
    expect(send(local.channel).error).toMatchObject({ reason: "CLOSED" });
    expect(local.channel.connected).toBe(false);
  });
});
