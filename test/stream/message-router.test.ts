import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { MessageRouter, type Side } from "../../internal/stream/message-router.js";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { encodeCancel } from "../../internal/wire/encode-envelope.js";
import { type MessageFields, message } from "../helpers/fake-stream.js";
import { TestCall, type TestCallInit } from "../helpers/test-call.js";

function openRouter(side: Side = "dialling", callable = true) {
  const requests: number[] = [];
  const cancels: number[] = [];
  const lateReplies: number[] = [];
  const tooLarge = { replies: 0 };
  const router = new MessageRouter(side, callable, 1_000, {
    request: ({ number }) => requests.push(number),
    cancel: (number) => cancels.push(number),
    lateReply: ({ number }) => lateReplies.push(number),
    replyTooLarge: () => {
      tooLarge.replies += 1;
    },
  });
  return {
    router,
    requests,
    cancels,
    lateReplies,
    tooLarge,
    register: (init?: TestCallInit) => {
      const made = new TestCall(init);
      made.call.state = "sent";
      router.register(made.call);
      return made;
    },
    route: (fields: MessageFields) => {
      const bytes = message(fields);
      router.route(decodeEnvelope(bytes), bytes.length);
    },
  };
}

describe("MessageRouter", () => {
  it.each([
    { side: "dialling", callable: true, serverInitiated: false, is: "reply" },
    { side: "dialling", callable: true, serverInitiated: true, is: "request" },
    { side: "accepting", callable: true, serverInitiated: false, is: "request" },
    { side: "accepting", callable: true, serverInitiated: true, is: "reply" },
    { side: "accepting", callable: false, serverInitiated: false, is: "request" },
    { side: "accepting", callable: false, serverInitiated: true, is: "request" },
  ] as const)(
    "[PL-09, PL-10] on the $side side (callable: $callable) takes the high bit $serverInitiated for a $is",
    ({ side, callable, serverInitiated, is }) => {
      const { register, route, requests, lateReplies } = openRouter(side, callable);
      const { replies } = register({ number: 7 });
      route({ number: 7, serverInitiated });
      expect({ replies: replies.length, requests }).toEqual(
        is === "reply" ? { replies: 1, requests: [] } : { replies: 0, requests: [7] },
      );
      // One number further nobody waits: a late reply is never taken for a request.
      route({ number: 8, serverInitiated });
      expect({ requests, lateReplies }).toEqual(
        is === "reply" ? { requests: [], lateReplies: [8] } : { requests: [7, 8], lateReplies: [] },
      );
    },
  );

  it("[PL-01, PL-04] delivers a reply once and lets go of the call", () => {
    const { router, register, route, lateReplies } = openRouter();
    const call = register({ number: 3 });
    route({ number: 3, payload: "first" });
    route({ number: 3, payload: "second" });
    expect(call).toMatchObject({ text: "first", released: 1, errors: [] });
    expect(call.replies).toHaveLength(1);
    expect(lateReplies).toEqual([3]);
    expect(router.pendingCalls).toBe(0);
  });

  it("[PL-11] hands an error status to the caller as it came", () => {
    const { register, route } = openRouter();
    const call = register({ number: 3 });
    route({ number: 3, error: new QuorateError(Code.NotFound, "no such key") });
    expect(call.replies[0]?.status).toMatchObject({ code: Code.NotFound, message: "no such key" });
  });

  it("[PL-02, PL-08] drops a reply to a number that it does not know, and says so", () => {
    const { register, route, requests, lateReplies } = openRouter();
    const call = register({ number: 3 });
    route({ number: 4 });
    expect({ requests, lateReplies }).toEqual({ requests: [], lateReplies: [4] });
    expect(call.released).toBe(0);
  });

  it("drops a reply whose call was removed", () => {
    const { router, register, route, lateReplies } = openRouter();
    const removed = register({ number: 3 });
    const other = register({ number: 4 });
    expect(router.remove(removed.call)).toBe(true);
    expect(router.remove(removed.call)).toBe(false);
    route({ number: 3 });
    expect(removed.replies).toEqual([]);
    expect(lateReplies).toEqual([3]);
    route({ number: 4 });
    expect(other.replies).toHaveLength(1);
  });

  it("[W-30] removes a call only where it is: another one of the same number stays", () => {
    const { router, register, route } = openRouter();
    const here = register({ number: 3 });
    const elsewhere = new TestCall({ number: 3 });
    expect(router.remove(elsewhere.call)).toBe(false);
    route({ number: 3 });
    expect(here.replies).toHaveLength(1);
  });

  it("[PL-03, PL-06] counts the pending calls, and hands all of them back in the order of their numbers", () => {
    const { router, register } = openRouter();
    const calls = [9, 2, 7, 1, 30].map((number) => register({ number }));
    expect(router.pendingCalls).toBe(calls.length);
    expect(router.drain().map(({ number }) => number)).toEqual([1, 2, 7, 9, 30]);
    expect(router.pendingCalls).toBe(0);
  });

  it("[PL-05] gives every one of many calls its own reply, in whatever order they come", () => {
    const { register, route } = openRouter();
    const calls = Array.from({ length: 20 }, (_, at) => register({ number: at + 1 }));
    for (const { number } of calls.toReversed()) route({ number, payload: `reply ${number}` });
    expect(calls.map(({ text, replies }) => `${text}, ${replies.length}`)).toEqual(
      calls.map(({ number }) => `reply ${number}, 1`),
    );
  });

  it("keeps a call with many replies until it is removed", () => {
    const { router, register, route, lateReplies } = openRouter();
    const call = register({ number: 3, replies: "many" });
    for (const payload of ["a", "b", "c"]) route({ number: 3, payload });
    expect(call.replies).toHaveLength(3);
    expect(call.released).toBe(0);
    router.remove(call.call);
    route({ number: 3 });
    expect(call.replies).toHaveLength(3);
    expect(lateReplies).toEqual([3]);
  });

  it.each(["one", "many"] as const)(
    "fails a call with %s replies alone if its reply is too large",
    (replies) => {
      const { router, register, route, lateReplies, tooLarge } = openRouter();
      const call = register({ number: 3, replies });
      const other = register({ number: 4 });
      route({ number: 3, payload: "x".repeat(1_000) });
      expect(call.error).toMatchObject({ code: Code.ResourceExhausted, reason: "MESSAGE_TOO_LARGE" });
      expect(call).toMatchObject({ replies: [], released: 1 });
      expect(tooLarge.replies).toBe(1);
      expect(router.pendingCalls).toBe(1);
      route({ number: 4, payload: "y".repeat(900) });
      expect(other.text).toBe("y".repeat(900));
      expect(lateReplies).toEqual([]);
    },
  );

  it("tells a call of its reply after it let go of it, so that what the caller does next finds it gone", () => {
    const { router, register, route } = openRouter();
    const pending: number[] = [];
    register({ number: 3, onReply: () => pending.push(router.pendingCalls) });
    route({ number: 3 });
    expect(pending).toEqual([0]);
  });

  it.each([
    { side: "dialling", callable: true, serverInitiated: true, cancels: [5] },
    { side: "dialling", callable: true, serverInitiated: false, cancels: [] },
    { side: "accepting", callable: true, serverInitiated: false, cancels: [5] },
    { side: "accepting", callable: true, serverInitiated: true, cancels: [] },
    { side: "accepting", callable: false, serverInitiated: true, cancels: [5] },
  ] as const)(
    "on the $side side (callable: $callable) takes a cancel with the high bit $serverInitiated for $cancels",
    ({ side, callable, serverInitiated, cancels }) => {
      const router = openRouter(side, callable);
      const call = router.register({ number: 5 });
      const bytes = encodeCancel(5, serverInitiated);
      router.router.route(decodeEnvelope(bytes), bytes.length);
      expect(router.cancels).toEqual(cancels);
      // A cancel is no reply to the call of the same number, and no request.
      expect(call).toMatchObject({ replies: [], released: 0 });
      expect(router).toMatchObject({ requests: [], lateReplies: [] });
    },
  );
});
