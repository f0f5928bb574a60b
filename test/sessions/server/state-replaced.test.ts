import { Code } from "quorate";
import { describe, expect, it } from "vitest";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { HeldPay } from "./held-pay.js";
import type { RawSessionClient } from "./raw-session-client.js";
import { append, pay, receiptOf, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

/** Another server than this one uses the log until what is not applied here is forgotten. */
async function forget(server: SessionServer, work: (another: SessionServer) => Promise<void>): Promise<void> {
  const release = server.control.holdEntries();
  const another = await server.join({ sessions: { snapshotEvery: 1 } });
  await work(another);
  const helper = await another.open(99);
  // Each is an entry, and each entry makes a snapshot; the log forgets what is older than the last.
  for (let request = 1; request <= 8; request += 1) {
    await helper.request(request, append("."), { respondedTo: request - 1 });
  }
  await eventually(() => another.events.filter(({ kind }) => kind === "snapshotSaved").length >= 4);
  await another.close();
  release();
  await eventually(() => server.events.some(({ kind }) => kind === "stateReplaced"), "the new state");
}

/** The same client on another stream. */
async function sameAt(server: SessionServer, { session }: RawSessionClient, client: number) {
  const raw = await server.connect({ client });
  raw.session = session;
  return raw;
}

describe("a server whose state is replaced by a snapshot", () => {
  it("tells clients whose sessions are gone or taken over there, and keeps the others", async () => {
    await using server = await SessionServer.start();
    const kept = await server.open(1);
    const taken = await server.open(2);
    const gone = await server.open(3);
    await forget(server, async (another) => {
      await (await sameAt(another, taken, 2)).resume(2);
      await (await sameAt(another, gone, 3)).unregister();
    });
    await eventually(() => taken.evicted.length + gone.evicted.length === 2);
    expect(taken.evicted).toEqual([`${taken.session}:TAKEN_OVER`]);
    expect(gone.evicted).toEqual([`${gone.session}:UNSPECIFIED`]);
    expect(server.sessions.snapshot()).toMatchObject({ boundClients: 1 });
    expect(kept.evicted).toEqual([]);
    expect((await kept.request(1, append("a"))).error).toBeUndefined();
    expect((await gone.request(1, append("x"))).error?.reason).toBe("NO_SESSION");
    expect((await taken.request(1, append("x"))).error?.reason).toBe("SESSION_MISMATCH");
  });

  it("has what waits for an intent sent again, and still commits the result", async () => {
    const payment = new HeldPay();
    await using server = await SessionServer.start({ pay: payment.handler });
    const client = await server.open();
    const waiting = client.request(1, pay("10"));
    await payment.runs(1);
    await forget(server, async () => {});
    expect((await waiting).error).toMatchObject({ code: Code.Unavailable, reason: "RETRY" });
    expect(payment.signal(0).aborted).toBe(false);
    const again = client.request(1, pay("10"));
    await eventually(() => server.sessions.snapshot().counters.replayed === 1);
    payment.end(0, { text: "paid" });
    expect(receiptOf(await again)).toBe("paid");
    expect(payment.count).toBe(1);
  });

  it("tells handlers whose intents are closed there", async () => {
    const payment = new HeldPay();
    await using server = await SessionServer.start({ pay: payment.handler });
    const client = await server.open();
    void client.request(1, pay("10"));
    await payment.runs(1);
    await forget(server, async (another) => {
      await (await sameAt(another, client, 1)).unregister();
    });
    expect(payment.signal(0).reason).toMatchObject({ reason: "OUTCOME_UNKNOWN" });
    payment.end(0, { text: "late" });
    await eventually(() => server.sessions.snapshot().runningHandlers === 0);
    expect(server.control.kinds).not.toContain("result");
    const next = await server.open(5);
    expect(valueOf(await next.request(1, append("b")))).toContain("b");
  });
});
