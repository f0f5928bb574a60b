import { afterEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { openDeadlines } from "../../internal/util/deadlines.js";
import { checkLeaks } from "../helpers/leaks.js";
import { openDispatch } from "../helpers/open-dispatch.js";
import { turn } from "../helpers/turn.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const useFakeClock = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });

describe("a request that its caller cancels", () => {
  it("is removed unrun while it waits", async () => {
    const { dispatch, handler, take, answers } = openDispatch();
    take(1, 2, 3);
    dispatch.cancel(2);
    expect(dispatch.length).toBe(2);
    handler.at(0).returns();
    await turn();
    expect(handler.started).toEqual(["1", "3"]);
    expect(answers).toEqual([]);
  });

  it.each(["returns", "releases"] as const)(
    "has its signal ended while it runs, and keeps its place until it %s",
    async (how) => {
      const { dispatch, handler, take, answers } = openDispatch();
      take(1, 2);
      const { request, returns } = handler.at(0);
      const { signal } = request;
      expect(signal.aborted).toBe(false);
      dispatch.cancel(1);
      expect(signal.aborted).toBe(true);
      expect(signal.reason).toBeInstanceOf(QuorateError);
      expect(signal.reason).toMatchObject({ code: Code.Canceled });
      await turn();
      expect(handler.started).toEqual(["1"]);
      request.reply(Buffer.from("nobody waits"));
      expect(answers).toEqual([]);
      if (how === "returns") returns();
      else request.release();
      await turn();
      expect(handler.started).toEqual(["1", "2"]);
      returns();
      await turn();
      expect(dispatch.length).toBe(1);
    },
  );

  it("shows a signal that has ended to a handler that looks later", () => {
    const { dispatch, handler, take } = openDispatch();
    take(1);
    dispatch.cancel(1);
    expect(handler.at(0).request.signal.reason).toMatchObject({ code: Code.Canceled });
  });

  it("still gets the reply that was given before", async () => {
    const { dispatch, handler, take, answers } = openDispatch();
    take(1);
    handler.at(0).request.reply(Buffer.from("done"));
    dispatch.cancel(1);
    handler.at(0).returns();
    await turn();
    expect(answers).toHaveLength(1);
    expect(dispatch.length).toBe(1);
    answers[0]?.written();
    expect(dispatch.length).toBe(0);
  });

  it("may be unknown: then nothing happens", async () => {
    const { dispatch, handler, take } = openDispatch();
    take(1, 2);
    dispatch.cancel(99);
    handler.at(0).returns();
    await turn();
    dispatch.cancel(1);
    expect(handler.at(1).request.signal.aborted).toBe(false);
    expect(handler.started).toEqual(["1", "2"]);
  });

  it("is the newest of its number, if a peer repeats one", () => {
    const { dispatch, handler, take } = openDispatch();
    take(1, 1);
    dispatch.cancel(1);
    expect(dispatch.length).toBe(1);
    expect(handler.at(0).request.signal.aborted).toBe(false);
  });

  it("is found by its number though an older one of the same number is done", async () => {
    const { dispatch, handler, take } = openDispatch();
    take(1, 1);
    handler.at(0).returns();
    await turn();
    dispatch.cancel(1);
    expect(handler.at(1).request.signal.aborted).toBe(true);
  });
});

describe("the deadline of a request", () => {
  it("answers it unrun with DeadlineExceeded while it waits", async () => {
    useFakeClock();
    const { dispatch, handler, envelope, answers } = openDispatch();
    dispatch.enqueue(envelope(1), 10);
    dispatch.enqueue(envelope(2, 50), 10);
    vi.advanceTimersByTime(49);
    expect(answers).toEqual([]);
    vi.advanceTimersByTime(10);
    expect(answers).toMatchObject([{ number: 2, answer: { code: Code.DeadlineExceeded } }]);
    expect(dispatch.length).toBe(2);
    answers[0]?.written();
    expect(dispatch.length).toBe(1);
    handler.at(0).returns();
    await turn();
    expect(handler.started).toEqual(["1"]);
  });

  it("answers it unrun even if the event loop was too busy to notice in time", async () => {
    const { dispatch, handler, envelope, answers } = openDispatch();
    dispatch.enqueue(envelope(1), 10);
    dispatch.enqueue(envelope(2, 1_000), 10);
    dispatch.enqueue(envelope(3), 10);
    const later = performance.now() + 1_001;
    vi.spyOn(performance, "now").mockReturnValue(later);
    handler.at(0).returns();
    await turn();
    expect(handler.started).toEqual(["1", "3"]);
    expect(answers).toMatchObject([{ number: 2, answer: { code: Code.DeadlineExceeded } }]);
    vi.restoreAllMocks();
    dispatch.end(new QuorateError(Code.Canceled, "over"));
  });

  it("ends the signal of a running one; what it answers then is discarded", async () => {
    useFakeClock();
    const { dispatch, handler, envelope, answers } = openDispatch();
    dispatch.enqueue(envelope(1, 50), 10);
    dispatch.enqueue(envelope(2), 10);
    const { request, returns } = handler.at(0);
    const { signal } = request;
    expect(request.remainingMs()).toBe(50);
    vi.advanceTimersByTime(20);
    expect(request.remainingMs()).toBe(30);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(40);
    expect(request.remainingMs()).toBe(0);
    expect(signal.reason).toMatchObject({ code: Code.DeadlineExceeded });
    request.reply(Buffer.from("too late"));
    returns();
    await turn();
    expect(answers).toEqual([]);
    expect(handler.started).toEqual(["1", "2"]);
    expect(dispatch.length).toBe(1);
    expect(handler.at(1).request.remainingMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it("is let go of when the handler returns", async () => {
    const { dispatch, handler, envelope } = openDispatch();
    dispatch.enqueue(envelope(1, 60_000), 10);
    expect(openDeadlines()).toBe(1);
    handler.at(0).returns();
    await turn();
    expect(openDeadlines()).toBe(0);
  });
});

describe("the end of a stream", () => {
  const over = new QuorateError(Code.Canceled, "the stream ended");

  it("[W-18] drops what waits, ends the signals of what runs, and discards what it answers", async () => {
    const { dispatch, handler, take, answers } = openDispatch();
    take(1, 2, 3, 4);
    handler.at(0).request.release();
    const signals = handler.running.map(({ request }) => request.signal);
    expect(dispatch.end(over)).toBe(2);
    expect(signals.map(({ reason }) => reason)).toEqual([over, over]);
    expect(dispatch).toMatchObject({ length: 0, bytes: 0 });
    handler.at(0).request.reply(Buffer.from("nobody reads"));
    for (const { returns } of handler.running) returns();
    await turn();
    expect(handler.started).toEqual(["1", "2"]);
    expect(answers).toEqual([]);
    expect(dispatch.length).toBe(0);
  });

  it("does not count what was cancelled as dropped", () => {
    const { dispatch, take } = openDispatch();
    take(1, 2, 3);
    dispatch.cancel(2);
    expect(dispatch.end(over)).toBe(1);
    expect(dispatch.end(over)).toBe(0);
  });

  it("takes no further request", () => {
    const { dispatch, handler, take, answers, envelope } = openDispatch();
    dispatch.end(over);
    take(1);
    dispatch.refuse(envelope(2), 10, over);
    expect(dispatch.length).toBe(0);
    expect(handler.started).toEqual([]);
    expect(answers).toEqual([]);
  });

  it("tells that nothing is held any longer, also if a handler goes on for ever", () => {
    const { dispatch, take, changes } = openDispatch();
    take(1);
    const before = changes();
    dispatch.end(over);
    expect(changes()).toBeGreaterThan(before);
  });

  it("lets go of all deadlines", () => {
    const { dispatch, envelope } = openDispatch();
    for (const number of [1, 2, 3]) dispatch.enqueue(envelope(number, 60_000), 10);
    expect(openDeadlines()).toBe(3);
    dispatch.end(over);
    expect(openDeadlines()).toBe(0);
  });
});
