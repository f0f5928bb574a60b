import { Code, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import type { GuardedHandlers } from "../../../src/sessions/server/session-handlers.js";
import type { Payments } from "../../gen/payments/v1/payments_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { HeldPay } from "./held-pay.js";
import { pay, receiptOf } from "./register-service.js";
import { SessionServer, type SessionServerOptions } from "./session-server.js";

checkLeaks();

/** A server whose guarded handler is the test's. */
const serve = (handler: GuardedHandlers<typeof Payments>["pay"], more: SessionServerOptions = {}) =>
  SessionServer.start({ ...more, pay: handler });

describe("a server that closes with guarded handlers", () => {
  it("tells them so, and commits what they say then", async () => {
    const store = createMemoryLogStore();
    const server = await serve(
      (_, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () =>
            resolve({ text: signal.reason instanceof QuorateError ? (signal.reason.reason ?? "") : "" }),
          );
        }),
      { store },
    );
    const client = await server.open();
    void client.request(1, pay("1"));
    await eventually(() => server.sessions.snapshot().runningHandlers === 1);
    await server.close();
    await using next = await serve(() => ({ text: "a second run" }), { store });
    const again = await next.connect();
    await again.open({ nonce: 1 });
    expect(receiptOf(await again.request(1, pay("1")))).toBe("SERVER_CLOSING");
  });

  it("waits within its grace for what its callers wait for, and not for what others run", async () => {
    const payment = new HeldPay();
    await using server = await serve(payment.handler);
    const another = await server.join({ pay: payment.handler });
    const client = await server.open(1);
    void client.request(1, pay("there"));
    await payment.runs(1);
    const elsewhere = await another.connect({ client: 1 });
    await elsewhere.open({ nonce: 1 });
    const waiting = elsewhere.request(1, pay("there"));
    await eventually(() => another.sessions.snapshot().counters.replayed === 1);
    const own = await another.open(2);
    const here = own.request(1, pay("here"));
    await payment.runs(2);
    const closed = another.server.close({ graceMs: 60_000 });
    expect((await waiting).error).toMatchObject({ code: Code.Unavailable, reason: "RETRY" });
    payment.end(1, { text: "here" });
    expect(receiptOf(await here)).toBe("here");
    await closed;
    await another.close();
    payment.end(0, {});
  });

  it("runs nothing more whose intent is committed then, and says so", async () => {
    const store = createMemoryLogStore();
    const payment = new HeldPay();
    const server = await serve(payment.handler, { store });
    const client = await server.open();
    void client.request(1, pay("1"));
    await payment.runs(1);
    const release = server.control.holdEntries();
    void client.request(2, pay("2"));
    await eventually(() => server.control.kinds.filter((kind) => kind === "intent").length === 2);
    const closed = server.server.close({ graceMs: 0 });
    await eventually(() => payment.signal(0).aborted);
    release();
    await eventually(() => server.control.kinds.includes("result"));
    payment.end(0, { text: "paid" });
    await closed;
    await server.close();
    expect(payment.count).toBe(1);
    await using next = await serve(payment.handler, { store });
    const again = await next.connect();
    await again.open({ nonce: 1 });
    expect(receiptOf(await again.request(1, pay("1")))).toBe("paid");
    expect((await again.request(2, pay("2"))).error?.reason).toBe("SERVER_CLOSING");
    expect(payment.count).toBe(1);
  });

  it("says what it could not commit", async () => {
    const store = createMemoryLogStore();
    const payment = new HeldPay();
    const server = await serve(payment.handler, { store });
    const client = await server.open();
    void client.request(1, pay("1"));
    await payment.runs(1);
    payment.signal(0).addEventListener("abort", () => payment.end(0, { text: "too late" }));
    server.control.failAppends("not-appended");
    await server.close();
    await eventually(() => server.events.some(({ kind }) => kind === "resultLost"));
    expect(server.events.filter(({ kind }) => kind === "resultLost")).toMatchObject([
      { method: "payments.v1.Payments.Pay", error: { reason: "LOG_UNAVAILABLE" } },
    ]);
  });
});
