import { Code } from "quorate";
import { describe, expect, it } from "vitest";
import { createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { HeldPay } from "./held-pay.js";
import type { RawSessionClient } from "./raw-session-client.js";
import { pay, receiptOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

const unknown = { code: Code.Aborted, reason: "OUTCOME_UNKNOWN" };

/** Ends a server that gets nothing more into the log, as one does that crashes. */
async function crash(server: SessionServer, payment: HeldPay): Promise<void> {
  server.control.failAppends("not-appended");
  for (let at = 0; at < payment.count; at += 1) {
    payment.signal(at).addEventListener("abort", () => payment.end(at, { text: "never committed" }));
  }
  await server.close();
}

/** The same client on a stream to another server. */
async function onward(server: SessionServer, client = 1): Promise<RawSessionClient> {
  const raw = await server.connect({ client });
  await raw.open({ nonce: 1 });
  return raw;
}

describe("a guarded request whose server has crashed", () => {
  it("between intent and result has an unknown outcome, and was run once", async () => {
    const store = createMemoryLogStore();
    const payment = new HeldPay();
    const options = { store, pay: payment.handler };
    const first = await SessionServer.start(options);
    const client = await first.open();
    void client.request(1, pay("10"));
    await payment.runs(1);
    await crash(first, payment);

    await using second = await SessionServer.start(options);
    const again = await onward(second);
    const { error, op } = await again.request(1, pay("10"));
    expect(error).toMatchObject(unknown);
    expect(op).toBeGreaterThan(0);
    // For good, and byte for byte.
    expect(await again.request(1, pay("10"))).toMatchObject({ error: unknown, op });
    expect(payment.count).toBe(1);
    expect(second.sessions.snapshot()).toMatchObject({ openIntents: 0, runningHandlers: 0 });
    const next = again.request(2, pay("20"));
    await payment.runs(2);
    payment.end(1, { text: "paid 20" });
    expect(receiptOf(await next)).toBe("paid 20");
  });

  it("before its intent was committed runs when it is sent again", async () => {
    const store = createMemoryLogStore();
    const payment = new HeldPay();
    const options = { store, pay: payment.handler };
    const first = await SessionServer.start(options);
    const client = await first.open();
    first.control.failAppends("not-appended");
    expect((await client.request(1, pay("10"))).error?.reason).toBe("LOG_UNAVAILABLE");
    expect(payment.count).toBe(0);
    await crash(first, payment);

    await using second = await SessionServer.start(options);
    const answer = (await onward(second)).request(1, pay("10"));
    await payment.runs(1);
    payment.end(0, { text: "paid" });
    expect(receiptOf(await answer)).toBe("paid");
  });

  it("after its result was committed has that as its answer", async () => {
    const store = createMemoryLogStore();
    const payment = new HeldPay();
    const options = { store, pay: payment.handler };
    const first = await SessionServer.start(options);
    const client = await first.open();
    const lost = client.request(1, pay("10"));
    await payment.runs(1);
    first.control.holdEntries();
    payment.end(0, { text: "paid" });
    await eventually(() => first.control.kinds.includes("result"));
    await crash(first, payment);
    expect((await lost).lost).toBe(true);

    await using second = await SessionServer.start(options);
    expect(receiptOf(await (await onward(second)).request(1, pay("10")))).toBe("paid");
    expect(payment.count).toBe(1);
  });

  it("is answered to who waits at another server, as soon as it is up again", async () => {
    const payment = new HeldPay();
    const first = await SessionServer.start({ pay: payment.handler });
    const { network, store } = first;
    await using another = await first.join({ pay: payment.handler });
    const client = await first.open();
    void client.request(1, pay("10"));
    await payment.runs(1);
    await crash(first, payment);
    const waiting = (await onward(another)).request(1, pay("10"));
    await eventually(() => another.sessions.snapshot().counters.replayed === 1);
    expect(another.sessions.snapshot().openIntents).toBe(1);
    await using restarted = await SessionServer.start({ network, store, pay: payment.handler });
    expect((await waiting).error).toMatchObject(unknown);
    await eventually(() => restarted.sessions.snapshot().openIntents === 0);
    expect(payment.count).toBe(1);
  });

  it("is not taken from it by the start of a server with another id", async () => {
    const payment = new HeldPay();
    await using first = await SessionServer.start({ pay: payment.handler });
    const client = await first.open();
    const answer = client.request(1, pay("10"));
    await payment.runs(1);
    await using another = await first.join();
    await another.open(2);
    expect(another.sessions.snapshot().openIntents).toBe(1);
    payment.end(0, { text: "paid" });
    expect(receiptOf(await answer)).toBe("paid");
  });

  it("starts nothing from a snapshot, nor for an intent that others have proposed", async () => {
    const store = createMemoryLogStore();
    const payment = new HeldPay();
    const options = { store, pay: payment.handler, sessions: { snapshotEvery: 1 } };
    const first = await SessionServer.start(options);
    const client = await first.open();
    void client.request(1, pay("10"));
    await payment.runs(1);
    await eventually(() =>
      first.events.some(
        ({ kind, ...event }) => kind === "snapshotSaved" && "op" in event && event.op === first.appliedOp,
      ),
    );
    const silent = new HeldPay();
    await using another = await first.join({ pay: silent.handler });
    expect(another.sessions.snapshot()).toMatchObject({ openIntents: 1, runningHandlers: 0 });
    await crash(first, payment);
    await using second = await SessionServer.start(options);
    expect((await (await onward(second)).request(1, pay("10"))).error).toMatchObject(unknown);
    expect([payment.count, silent.count]).toEqual([1, 0]);
  });
});

describe("a guarded request that comes to two servers at once", () => {
  it("runs at the one whose intent is first, and both answer with its result", async () => {
    const payment = new HeldPay();
    await using first = await SessionServer.start({ pay: payment.handler });
    await using another = await first.join({ pay: payment.handler });
    const client = await first.open();
    const elsewhere = await onward(another);
    const release = first.control.holdAppends();
    const late = client.request(1, pay("10"));
    await eventually(() => first.control.kinds.includes("intent"));
    const early = elsewhere.request(1, pay("10"));
    await payment.runs(1);
    release();
    await eventually(() => first.sessions.snapshot().inFlight === 0);
    payment.end(0, { text: "paid" });
    expect([receiptOf(await late), receiptOf(await early)]).toEqual(["paid", "paid"]);
    expect(payment.count).toBe(1);
  });
});
