import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { id } from "../table/test-table.js";
import { refusedWith } from "./expected-answers.js";
import { newGate } from "./faulty-log.js";
import { foreign } from "./open-test-log.js";
import { append, echo, paid, pay, read, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

/** Puts an entry into the log that no server of this version can apply. */
async function poison({ store }: SessionServer): Promise<void> {
  const other = store.open();
  await other.genesis(new Uint8Array(1));
  const payload = new Uint8Array();
  await other.append(foreign({ kind: "call", user: "", method: "newer.v2.Service.Method", payload }));
  await other.close();
}

describe("sessions that have stopped", () => {
  it("answer everything of theirs with SESSIONS_STOPPED, and let plain calls through", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    valueOf(await client.request(1, append("a")));
    await poison(server);
    await eventually(() => server.sessions.stopped.aborted);
    expect(server.sessions.stopped.reason).toMatchObject({ reason: "UNKNOWN_ENTRY" });
    const answers = await Promise.all([
      client.request(1, append("a")),
      client.request(2, append("b")),
      client.request(3, pay("b")),
      client.read(read()),
      client.read(paid()),
      client.call(append("a")),
      client.call(read()),
      client.call(pay("a")),
      client.register({ nonce: 2, previous: client.session }),
      client.keepAlive(),
      client.unregister(),
    ]);
    expect(answers).toEqual(answers.map(() => refusedWith("SESSIONS_STOPPED")));
    expect((await client.call(echo("hello"))).error).toBeUndefined();
    expect(server.register.runs).toEqual(["a"]);
  });

  it("end what is in flight and what waits, of calls as unknown", async () => {
    const paying = newGate<{ text: string }>();
    await using server = await SessionServer.start({ pay: () => paying.promise });
    const client = await server.open();
    const guarded = client.request(1, pay("a"));
    await eventually(() => server.sessions.snapshot().openIntents === 1);
    const apply = server.control.holdEntries();
    await poison(server);
    const pending = [
      client.request(1, pay("a")),
      client.request(2, append("a")),
      client.request(2, append("a")),
      client.request(3, append("b")),
      client.read(read()),
      client.keepAlive(),
    ];
    const call = client.call(append("c"));
    await eventually(() => server.control.kinds.at(-1) === "call");
    apply();
    const answers = await Promise.all([guarded, ...pending]);
    expect(answers).toEqual(answers.map(() => refusedWith("SESSIONS_STOPPED")));
    expect(await call).toEqual(refusedWith("OUTCOME_UNKNOWN"));
    expect(server.sessions.snapshot().inFlight).toBe(0);
    paying.open({ text: "nobody hears it" });
    await eventually(() => server.sessions.snapshot().runningHandlers === 0);
  });

  it("end what its interceptors still have", async () => {
    const gate = newGate();
    let held = 0;
    await using server = await SessionServer.start({
      server: {
        serverInterceptors: [
          async (call, next) => {
            held += 1;
            await gate.promise;
            return next(call);
          },
        ],
      },
    });
    const client = await server.open();
    const reader = await server.open(2);
    const moved = await server.open(3);
    const pending = [
      client.request(1, append("a")),
      reader.read(read()),
      reader.call(append("c")),
      moved.request(1, append("d")),
    ];
    await eventually(() => held === 4);
    // What could be said of it by the state as it was last is said no more.
    await (await server.connect({ client: 3 })).open();
    await poison(server);
    await eventually(() => server.sessions.stopped.aborted);
    gate.open();
    const answers = await Promise.all(pending);
    expect(answers).toEqual(answers.map(() => refusedWith("SESSIONS_STOPPED")));
  });

  it("stop at a request that they cannot decode: it is never skipped", async () => {
    await using server = await SessionServer.start();
    const other = server.store.open();
    await other.genesis(new Uint8Array(1));
    const { method } = append("");
    await other.append(foreign({ kind: "call", user: "", method, payload: Uint8Array.of(0x0a, 0xff) }));
    await eventually(() => server.sessions.stopped.aborted);
    expect(server.sessions.stopped.reason).toMatchObject({
      code: Code.Unimplemented,
      reason: "UNKNOWN_ENTRY",
    });
    await other.close();
  });
});

describe("a server that has to load a snapshot while it runs", () => {
  it("ends what is in flight with RETRY, calls as unknown, and goes on from there", async () => {
    const paying = newGate<{ text: string }>();
    let runs = 0;
    const pays = () => {
      runs += 1;
      return paying.promise;
    };
    await using fast = await SessionServer.start({ sessions: { snapshotEvery: 4 }, pay: pays });
    await using slow = await fast.join({ pay: pays });
    const client = await slow.open(1);
    const guarded = client.request(1, pay("a"));
    await eventually(() => runs === 1);
    const apply = slow.control.holdEntries();
    // The one that is held back; what follows is still in the log.
    const busy = await fast.open(2);
    const pending = [client.request(2, append("a")), client.request(3, append("b"))];
    const call = client.call(append("c"));
    await eventually(() => slow.control.kinds.at(-1) === "call");
    // Which the others have applied, and forgotten behind a snapshot, before this server reads on.
    for (let at = 1; at <= 8; at++) valueOf(await busy.request(at, append(String(at))));
    await eventually(() => fast.events.filter(({ kind }) => kind === "snapshotSaved").length > 1);
    apply();
    const again = [guarded, ...pending];
    expect(await Promise.all(again)).toEqual(again.map(() => refusedWith("RETRY")));
    expect(await call).toEqual(refusedWith("OUTCOME_UNKNOWN"));
    expect(slow.events.map(({ kind }) => kind)).toContain("stateReplaced");
    expect(slow.sessions.snapshot().inFlight).toBe(0);
    // What was applied is answered with the kept reply, the intent by its result: it runs no second time.
    const answers = [client.request(2, append("a")), client.request(3, append("b"))];
    expect((await Promise.all(answers)).map(valueOf)).toEqual(["a", "ab"]);
    const result = client.request(1, pay("a"));
    await eventually(() => slow.sessions.snapshot().counters.replayed === 3);
    paying.open({ text: "once" });
    expect((await result).error).toBeUndefined();
    expect(runs).toBe(1);
    expect(valueOf(await client.read(read()))).toBe("abc12345678");
    expect(client.id).toBe(id(1));
  });
});
