import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { OrderedDispatch } from "../../internal/stream/ordered-dispatch.js";
import { textOf } from "../helpers/fake-stream.js";
import { stillHeld } from "../helpers/garbage.js";
import { checkLeaks } from "../helpers/leaks.js";
import { openDispatch } from "../helpers/open-dispatch.js";
import { turn } from "../helpers/turn.js";

checkLeaks();

describe("OrderedDispatch", () => {
  it("[OR-05] runs requests one at a time, in the order in which they came", async () => {
    const { handler, take } = openDispatch();
    take(1, 2, 3);
    expect(handler.started).toEqual(["1"]);
    handler.at(0).returns();
    await turn();
    expect(handler.started).toEqual(["1", "2"]);
    handler.at(1).returns();
    await turn();
    expect(handler.started).toEqual(["1", "2", "3"]);
  });

  it("[HB-04] starts the next request when a handler releases, in the same order", () => {
    const { handler, take } = openDispatch();
    take(1, 2, 3);
    handler.at(0).request.release();
    expect(handler.started).toEqual(["1", "2"]);
    handler.at(1).request.release();
    expect(handler.started).toEqual(["1", "2", "3"]);
  });

  it("starts one request for one release, whoever releases again", async () => {
    const { handler, take } = openDispatch();
    take(1, 2, 3);
    handler.at(0).request.release();
    handler.at(0).request.release();
    handler.at(0).returns();
    await turn();
    handler.at(0).request.release();
    expect(handler.started).toEqual(["1", "2"]);
  });

  it("does not deepen the stack when 10,000 queued requests release at once", async () => {
    const started: number[] = [];
    const { dispatch, take } = openDispatch({
      handler: async (request) => {
        started.push(Number(textOf(request)));
        if (started.length > 1) request.release();
        else await blocker;
      },
    });
    let unblock: () => void = () => {};
    const blocker = new Promise<void>((resolve) => {
      unblock = resolve;
    });
    const numbers = Array.from({ length: 10_000 }, (_, at) => at);
    take(...numbers);
    expect(started).toEqual([0]);
    unblock();
    await turn();
    expect(started).toEqual(numbers);
    expect(dispatch.length).toBe(0);
  });

  it("keeps requests that wait for a handler that never returns", async () => {
    const { dispatch, handler, take } = openDispatch();
    take(1, 2, 3);
    await turn();
    expect(handler.started).toEqual(["1"]);
    expect(dispatch.length).toBe(3);
  });

  it.each([
    ["rejects", async () => Promise.reject(new Error("boom")), Code.Internal, "boom"],
    [
      "throws before it returns a promise",
      () => {
        throw new Error("boom");
      },
      Code.Internal,
      "boom",
    ],
    [
      "rejects with a QuorateError",
      async () => Promise.reject(new QuorateError(Code.Aborted, "not now")),
      Code.Aborted,
      "not now",
    ],
  ] as const)("answers a handler that %s, and goes on", async (_, fails, code, text) => {
    let ran = 0;
    const { dispatch, take, answers } = openDispatch({
      handler: () => {
        ran += 1;
        return fails();
      },
    });
    take(1, 2);
    await turn();
    expect(ran).toBe(2);
    expect(answers.map(({ answer }) => answer)).toMatchObject([
      { code, message: text },
      { code, message: text },
    ]);
    for (const { written } of answers) written();
    expect(dispatch.length).toBe(0);
  });

  it("counts a request and its bytes until its reply is written", async () => {
    const { dispatch, handler, take, answers, changes } = openDispatch();
    take(1, 2);
    const bytes = dispatch.bytes;
    expect(bytes).toBeGreaterThan(0);
    handler.at(0).request.reply(Buffer.from("done"));
    handler.at(0).returns();
    await turn();
    expect(dispatch).toMatchObject({ length: 2, bytes });
    const before = changes();
    answers[0]?.written();
    expect(dispatch).toMatchObject({ length: 1, bytes: bytes / 2 });
    expect(changes()).toBe(before + 1);
  });

  it("counts a request that replies many times until the last reply is written", async () => {
    const { dispatch, handler, take, answers } = openDispatch();
    take(1);
    for (const text of ["a", "b"]) handler.at(0).request.reply(Buffer.from(text));
    answers[0]?.written();
    answers[1]?.written();
    expect(dispatch.length).toBe(1);
    handler.at(0).request.reply(Buffer.from("c"));
    handler.at(0).returns();
    await turn();
    expect(dispatch.length).toBe(1);
    answers[2]?.written();
    expect(dispatch.length).toBe(0);
  });

  it("counts a one-way request until its handler returns", async () => {
    const { dispatch, handler, take } = openDispatch();
    take(1);
    handler.at(0).request.release();
    expect(dispatch.length).toBe(1);
    handler.at(0).returns();
    await turn();
    expect(dispatch.length).toBe(0);
  });

  it("sends nothing that a handler answers after it has returned", async () => {
    const { dispatch, handler, take, answers } = openDispatch();
    take(1);
    handler.at(0).returns();
    await turn();
    handler.at(0).request.reply(Buffer.from("too late"));
    expect(answers).toEqual([]);
    expect(dispatch.length).toBe(0);
  });

  it("answers one refused request at once, ahead of those that wait", () => {
    const { dispatch, handler, take, answers, envelope } = openDispatch();
    take(1, 2);
    dispatch.refuse(envelope(3), 10, new QuorateError(Code.ResourceExhausted, "too large"));
    expect(answers).toMatchObject([{ number: 3, answer: { code: Code.ResourceExhausted } }]);
    expect(dispatch.length).toBe(3);
    answers[0]?.written();
    expect(dispatch.length).toBe(2);
    expect(handler.started).toEqual(["1"]);
  });

  it("refuses new requests when it is told to, and runs those that are here", async () => {
    const { dispatch, handler, take, answers } = openDispatch();
    take(1, 2);
    dispatch.refuseNew(new QuorateError(Code.Unavailable, "closing"));
    take(3);
    expect(answers).toMatchObject([{ number: 3, answer: { code: Code.Unavailable, message: "closing" } }]);
    handler.at(0).returns();
    await turn();
    expect(handler.started).toEqual(["1", "2"]);
  });

  it("[W-20] does not hold cancelled requests, however many there were behind a handler that blocks", async () => {
    const dispatch = new OrderedDispatch(() => new Promise(() => {}), {
      reply: () => true,
      changed: () => {},
    });
    const { envelope } = openDispatch();
    dispatch.enqueue(envelope(1), 10);
    const refs: WeakRef<object>[] = [];
    for (let number = 2; number < 20_000; number++) {
      const request = envelope(number);
      refs.push(new WeakRef(request.payload));
      dispatch.enqueue(request, 10);
      dispatch.cancel(number);
    }
    expect(dispatch).toMatchObject({ length: 1, bytes: 10 });
    expect(await stillHeld(refs)).toBeLessThan(100);
    dispatch.end(new QuorateError(Code.Canceled, "over"));
  });
});
