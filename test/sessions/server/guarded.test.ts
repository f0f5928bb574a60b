import { Code, QuorateError } from "quorate";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import type { GuardedContext, GuardedHandlers } from "../../../src/sessions/server/session-handlers.js";
import type { Payments } from "../../gen/payments/v1/payments_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { HeldPay } from "./held-pay.js";
import { pay, receiptOf } from "./register-service.js";
import { SessionServer, type SessionServerOptions } from "./session-server.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

const unknown = { code: Code.Aborted, reason: "OUTCOME_UNKNOWN" };
const limits = { tickMs: 1_000, guardTimeoutMs: 5_000, idleTimeoutMs: 60_000 };

/** A server whose guarded handler is the test's. */
const serve = (handler: GuardedHandlers<typeof Payments>["pay"], more: SessionServerOptions = {}) =>
  SessionServer.start({ ...more, pay: handler });

describe("a guarded request", () => {
  it("runs once, between its intent and its result, and everybody is answered with that", async () => {
    const payment = new HeldPay();
    await using server = await serve(payment.handler);
    const client = await server.open();
    const first = client.request(1, pay("10"));
    await payment.runs(1);
    expect(server.control.kinds.slice(-1)).toEqual(["intent"]);
    const joined = client.request(1, pay("10"));
    await using another = await server.join({ pay: payment.handler });
    const elsewhere = await another.connect();
    elsewhere.session = client.session;
    await elsewhere.open({ nonce: 1 });
    const waiting = elsewhere.request(1, pay("10"));
    await eventually(() => another.sessions.snapshot().counters.replayed === 1);
    expect(server.sessions.snapshot()).toMatchObject({ openIntents: 1, runningHandlers: 1 });
    payment.end(0, { text: "receipt" });
    const answers = await Promise.all([first, joined, waiting]);
    expect(answers.map(receiptOf)).toEqual(["receipt", "receipt", "receipt"]);
    expect(new Set(answers.map(({ op }) => op)).size).toBe(1);
    const again = await elsewhere.request(1, pay("10"));
    expect(again).toEqual(answers[0]);
    expect(payment.count).toBe(1);
    expect(server.control.kinds.slice(-2)).toEqual(["intent", "result"]);
    expect(server.sessions.snapshot()).toMatchObject({ openIntents: 0, runningHandlers: 0 });
  });

  it("knows its op, user and client, and no stamp", async () => {
    const contexts: GuardedContext[] = [];
    await using server = await serve((_, context) => {
      contexts.push(context);
      return { text: context.metadata.getAll("quorate-session").join() };
    });
    const client = await server.open();
    const answer = await client.request(1, pay("1"));
    expect(receiptOf(answer)).toBe("");
    const [context] = contexts;
    expect(context).toMatchObject({ user: "", client: client.id });
    expect(context?.op).toBeLessThan(answer.op ?? 0);
    expect(context?.caller?.connected).toBe(true);
    expect(context?.clients.size).toBe(1);
    expect(context?.connection.remoteAddress).toMatch(/^memory:/);
  });

  it("goes on without its caller, whose signal is not the handler's", async () => {
    const payment = new HeldPay();
    await using server = await serve(payment.handler);
    const client = await server.open();
    void client.request(1, pay("1"));
    await payment.runs(1);
    await client.close();
    await eventually(() => server.sessions.snapshot().streams === 0);
    expect(payment.signal(0).aborted).toBe(false);
    payment.end(0, { text: "done" });
    const next = await server.connect();
    await next.open({ nonce: 1 });
    expect(receiptOf(await next.request(1, pay("1")))).toBe("done");
    expect(payment.count).toBe(1);
  });

  it.each<[string, unknown, boolean, object]>([
    [
      "a QuorateError",
      new QuorateError(Code.NotFound, "no account", { reason: "NO_ACCOUNT" }),
      true,
      {
        code: Code.NotFound,
        message: "no account",
        reason: "NO_ACCOUNT",
      },
    ],
    ["an error", new Error("disk"), false, { message: "disk" }],
    ["an error, masked", new Error("disk"), true, { message: "the handler failed" }],
    [
      "a reason of sessions",
      new QuorateError(Code.Aborted, "inner", { reason: "OUTCOME_UNKNOWN" }),
      true,
      {
        code: Code.Aborted,
        message: "inner",
        reason: undefined,
      },
    ],
  ])("that fails with %s keeps that as its answer", async (_, thrown, maskErrors, expected) => {
    let count = 0;
    await using server = await serve(
      async () => {
        count += 1;
        throw thrown;
      },
      { server: { maskErrors } },
    );
    const client = await server.open();
    const { error, op } = await client.request(1, pay("1"));
    expect(error).toMatchObject(expected);
    expect(op).toBe(server.appliedOp);
    const again = await client.request(1, pay("1"));
    expect(again.error).toMatchObject(expected);
    expect(again.op).toBe(op);
    expect(count).toBe(1);
    const failed = server.events.filter(({ kind }) => kind === "handlerFailed");
    expect(failed).toMatchObject([{ method: "payments.v1.Payments.Pay", error: { message: /./ } }]);
  });

  it("whose result is above the limit is answered so, and was run", async () => {
    await using server = await serve(() => ({ text: "x".repeat(2_000) }), {
      sessions: { limits: { maxReplyBytes: 1_000 } },
    });
    const client = await server.open();
    const { error, op } = await client.request(1, pay("1"));
    expect(error).toMatchObject({ code: Code.ResourceExhausted, reason: "REPLY_TOO_LARGE" });
    expect(op).toBe(server.appliedOp);
    expect((await client.request(2, pay("2"))).error?.reason).toBe("REPLY_TOO_LARGE");
  });

  it("whose result no entry of the log could hold is answered so, too", async () => {
    const store = createMemoryLogStore({ maxEntryBytes: 4_096 });
    await using server = await serve(() => ({ text: "x".repeat(10_000) }), {
      store,
      sessions: { limits: { maxRequestBytes: 1_000, maxReplyBytes: 1_000 } },
    });
    const client = await server.open();
    expect((await client.request(1, pay("1"))).error?.reason).toBe("REPLY_TOO_LARGE");
  });

  it("gets a verdict if another process says that it is this server, and its handler is told", async () => {
    const payment = new HeldPay();
    await using server = await serve(payment.handler);
    const client = await server.open();
    const answer = client.request(1, pay("1"));
    await payment.runs(1);
    await using usurper = await server.join({ sessions: { serverId: "server" } });
    expect((await answer).error).toMatchObject(unknown);
    expect(payment.signal(0).reason).toMatchObject({ reason: "OUTCOME_UNKNOWN" });
    payment.end(0, { text: "late" });
    expect(usurper.sessions.snapshot().sessions).toBe(1);
  });

  it.each(["not-appended", "unknown"] as const)(
    "whose result could not be appended (%s) at first has it in the end",
    async (outcome) => {
      const payment = new HeldPay();
      await using server = await serve(payment.handler);
      const client = await server.open();
      const answer = client.request(1, pay("1"));
      await payment.runs(1);
      const release = server.control.failAppends(outcome, { times: 2, reaches: outcome === "unknown" });
      payment.end(0, { text: "receipt" });
      expect(receiptOf(await answer)).toBe("receipt");
      release();
      expect(payment.count).toBe(1);
      await eventually(() => server.sessions.snapshot().runningHandlers === 0);
    },
  );

  it("ends with its session, its signal too, and what comes later has no effect", async () => {
    const payment = new HeldPay();
    await using server = await serve(payment.handler);
    const client = await server.open();
    const answer = client.request(1, pay("1"));
    await payment.runs(1);
    await (await server.connect()).unregister({ session: client.session });
    const { error, op } = await answer;
    expect(error).toMatchObject(unknown);
    expect(op).toBeUndefined();
    expect(payment.signal(0).reason).toMatchObject({ reason: "OUTCOME_UNKNOWN" });
    payment.end(0, { text: "late" });
    await eventually(() => server.sessions.snapshot().runningHandlers === 0);
    expect(server.control.kinds).not.toContain("result");
  });

  it("has its handler told shortly before its time is over, and has the result that comes then", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const payment = new HeldPay();
    await using server = await serve(payment.handler, { sessions: { limits } });
    const client = await server.open();
    const answer = client.request(1, pay("1"));
    await payment.runs(1);
    await vi.advanceTimersByTimeAsync(4_400);
    expect(payment.signal(0).aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(payment.signal(0).reason).toMatchObject({ code: Code.DeadlineExceeded });
    payment.end(0, { text: "just in time" });
    expect(receiptOf(await answer)).toBe("just in time");
  });

  it("gets a verdict when its time is over, everywhere, and a later result changes nothing", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const payment = new HeldPay();
    await using server = await serve(payment.handler, { sessions: { limits } });
    await using another = await server.join({ pay: payment.handler });
    const client = await server.open();
    const first = client.request(1, pay("1"));
    await payment.runs(1);
    const elsewhere = await another.connect();
    await elsewhere.open({ nonce: 1 });
    const waiting = elsewhere.request(1, pay("1"));
    await vi.advanceTimersByTimeAsync(8_000);
    const answers = await Promise.all([first, waiting]);
    for (const { error, op } of answers) {
      expect(error).toMatchObject(unknown);
      expect(op).toBe(answers[0].op);
    }
    expect(answers[0].op).toBeGreaterThan(0);
    payment.end(0, { text: "late" });
    await eventually(() => server.sessions.snapshot().runningHandlers === 0);
    expect((await elsewhere.request(1, pay("1"))).error).toMatchObject(unknown);
    expect(payment.count).toBe(1);
    const next = elsewhere.request(2, pay("2"));
    await payment.runs(2);
    payment.end(1, { text: "ok" });
    expect(receiptOf(await next)).toBe("ok");
  });
});
