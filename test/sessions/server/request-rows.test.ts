import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { SessionMismatchSchema } from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failedWith, refusedWith } from "./expected-answers.js";
import { newGate } from "./faulty-log.js";
import { append, pay, read, receiptOf, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

/** Credentials are users' names here. */
const byName = {
  sessions: {
    authenticate: (credentials: { readonly kind: string; readonly user?: string }) => ({
      id: credentials.user ?? "nobody",
    }),
  },
} as const;
const login = (user: string) => ({ case: "password", value: { user, password: "p" } }) as const;

describe("a request at a server", () => {
  it("row 1: needs a stream that is authenticated", async () => {
    await using server = await SessionServer.start(byName);
    const client = await server.connect();
    client.session = 1;
    expect(await client.request(1, append("a"))).toEqual(refusedWith("NOT_AUTHENTICATED"));
    expect(await client.read(read())).toEqual(refusedWith("NOT_AUTHENTICATED"));
    expect(await client.register()).toEqual(refusedWith("NOT_AUTHENTICATED"));
    expect(await client.keepAlive()).toEqual(refusedWith("NOT_AUTHENTICATED"));
    expect(await client.unregister()).toEqual(refusedWith("NOT_AUTHENTICATED"));
    await client.login(login("ann"));
    await client.open();
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
  });

  it("row 2: of a client that has no session is refused, after a barrier", async () => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    client.session = 1;
    const before = server.control.tails;
    expect(await client.request(1, append("a"))).toEqual(refusedWith("NO_SESSION"));
    expect(server.control.tails).toBe(before + 1);
    expect(await client.read(read())).toEqual(refusedWith("NO_SESSION"));
    expect(await client.keepAlive()).toEqual(refusedWith("NO_SESSION"));
  });

  it("row 3: of another user's session is refused, whatever it holds", async () => {
    await using server = await SessionServer.start(byName);
    const ann = await server.connect();
    await ann.loginRegister(login("ann"));
    const bob = await server.connect();
    await bob.login(login("bob"));
    const { session } = ann;
    for (const number of [session, session - 1, session + 1]) {
      bob.session = number;
      expect(await bob.request(1, append("b"))).toEqual(refusedWith("SESSION_OWNED_BY_ANOTHER_USER"));
      expect(await bob.read(read())).toEqual(refusedWith("SESSION_OWNED_BY_ANOTHER_USER"));
    }
    expect(await bob.unregister()).toEqual(refusedWith("SESSION_OWNED_BY_ANOTHER_USER"));
    expect(server.register.runs).toEqual([]);
  });

  it("row 4: of a fenced holder is refused for good, and told what the table has", async () => {
    await using server = await SessionServer.start();
    const holder = await server.open();
    const created = holder.session;
    const next = await server.connect();
    next.session = created;
    await next.resume(2);
    const answer = await holder.request(1, append("a"));
    expect(answer).toEqual(refusedWith("SESSION_MISMATCH"));
    const [detail] = answer.error?.findDetails(SessionMismatchSchema) ?? [];
    expect(detail).toMatchObject({ session: BigInt(next.session), created: BigInt(created) });
    expect(await holder.read(read())).toEqual(refusedWith("SESSION_MISMATCH"));
    expect(server.register.runs).toEqual([]);
  });

  it("row 5: of a number that no Register gave is refused, after a barrier", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const before = server.control.tails;
    const session = client.session + 1;
    expect(await client.request(1, append("a"), { session })).toEqual(refusedWith("SESSION_UNKNOWN"));
    expect(server.control.tails).toBe(before + 1);
    expect(await client.read(read(), { session })).toEqual(refusedWith("SESSION_UNKNOWN"));
  });

  it("row 6: on a stream that is not bound is refused, until the same Register comes on it", async () => {
    await using server = await SessionServer.start();
    const first = await server.open();
    valueOf(await first.request(1, append("a")));
    const second = await server.connect();
    second.session = first.session;
    for (const request of [1, 2]) {
      expect(await second.request(request, append("a"))).toEqual(refusedWith("SESSION_NOT_BOUND"));
    }
    expect(await second.read(read())).toEqual(refusedWith("SESSION_NOT_BOUND"));
    expect(await second.keepAlive()).toEqual(refusedWith("SESSION_NOT_BOUND"));
    expect(await second.open()).toBe(first.session);
    expect(valueOf(await second.request(2, append("b")))).toBe("ab");
    expect(await first.request(3, append("c"))).toEqual(refusedWith("SESSION_NOT_BOUND"));
  });

  it("row 7: that the client said it had the answer of is refused", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    valueOf(await client.request(1, append("a")));
    valueOf(await client.request(2, append("b"), { respondedTo: 1 }));
    expect(await client.request(1, append("a"))).toEqual(refusedWith("ALREADY_ANSWERED"));
    valueOf(await client.request(2, append("b")));
    await client.keepAlive({ respondedTo: 2 });
    expect(await client.request(2, append("b"))).toEqual(refusedWith("ALREADY_ANSWERED"));
    expect(server.register.runs).toEqual(["a", "b"]);
  });

  it("row 8: under the number of another one is refused, kept, in flight, or an open intent", async () => {
    const paying = newGate<{ text: string }>();
    await using server = await SessionServer.start({ pay: () => paying.promise });
    const client = await server.open();
    valueOf(await client.request(1, append("a")));
    expect(await client.request(1, append("x"))).toEqual(refusedWith("REQUEST_REUSED"));
    const paid = client.request(2, pay("y"));
    await eventually(() => server.sessions.snapshot().openIntents === 1);
    expect(await client.request(2, pay("x"))).toEqual(refusedWith("REQUEST_REUSED"));
    const release = server.control.holdAppends();
    const third = client.request(3, append("c"));
    expect(await client.request(3, append("x"))).toEqual(refusedWith("REQUEST_REUSED"));
    release();
    paying.open({ text: "done" });
    expect([valueOf(await third), receiptOf(await paid)]).toEqual(["ac", "done"]);
  });

  it("row 9: that is in flight joins: one execution, one answer for both", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const release = server.control.holdAppends();
    const answers = [client.request(1, append("a")), client.request(1, append("a"))];
    await eventually(() => server.sessions.snapshot().counters.joined === 1);
    release();
    const [one, two] = await Promise.all(answers);
    expect(one).toEqual(two);
    expect(server.register.runs).toEqual(["a"]);
    expect(server.control.kinds.filter((kind) => kind === "request")).toHaveLength(1);
  });

  it("row 10: whose intent is open waits for the result", async () => {
    const paying = newGate<{ text: string }>();
    let runs = 0;
    const run = () => {
      runs += 1;
      return paying.promise;
    };
    await using server = await SessionServer.start({ pay: run });
    const client = await server.open();
    const first = client.request(1, pay("a"));
    await eventually(() => server.sessions.snapshot().openIntents === 1);
    const second = client.request(1, pay("a"));
    await eventually(() => server.sessions.snapshot().counters.replayed === 1);
    paying.open({ text: "once" });
    expect(receiptOf(await first)).toBe("once");
    expect(await second).toEqual(await first);
    expect(runs).toBe(1);
  });

  it("row 11: that was applied is answered with the kept reply and its op", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const first = await client.request(1, append("a"));
    valueOf(await client.request(2, append("b")));
    expect(await client.request(1, append("a"))).toEqual(first);
    expect(first.op).toBeLessThan(server.appliedOp);
    expect(server.register.runs).toEqual(["a", "b"]);
  });

  it("row 12: above the window is refused, and accepted once the stamp says that replies were consumed", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxInFlight: 2 } } });
    const client = await server.open();
    for (const request of [1, 2]) valueOf(await client.request(request, append(String(request))));
    expect(await client.request(3, append("3"))).toEqual(refusedWith("WINDOW_FULL"));
    expect(valueOf(await client.request(3, append("3"), { respondedTo: 1 }))).toBe("123");
    expect(await client.request(4, append("4"), { respondedTo: 1 })).toEqual(refusedWith("WINDOW_FULL"));
  });

  it("row 12: a window full of large replies reopens with the next request that says they are consumed", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxReplyBytes: 1_000 } } });
    server.register.onAppend = () => ({ value: "x".repeat(600) });
    const client = await server.open();
    for (const request of [1, 2]) valueOf(await client.request(request, append("a")));
    expect(await client.request(3, append("a"))).toEqual(refusedWith("WINDOW_FULL"));
    valueOf(await client.request(3, append("a"), { respondedTo: 2 }));
  });

  it("row 13: behind one that is missing is refused, after a barrier, and leaves nothing behind", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const before = server.control.tails;
    expect(await client.request(2, append("b"))).toEqual(refusedWith("REQUEST_GAP"));
    expect(server.control.tails).toBe(before + 1);
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
    expect(valueOf(await client.request(2, append("b")))).toBe("ab");
  });

  it("row 14: that is the next one is appended, with its op in the answer and no barrier", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const before = server.control.tails;
    const answer = await client.request(1, append("a"));
    expect(answer).toMatchObject({ op: server.appliedOp, error: undefined });
    expect(server.control.tails).toBe(before);
    const { accepted, joined, replayed, refused } = server.sessions.snapshot().counters;
    expect({ accepted, joined, replayed, refused }).toEqual({
      accepted: 1,
      joined: 0,
      replayed: 0,
      refused: 0,
    });
  });

  it("keeps what was wrong with a read for good apart from what another server may know", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    expect(await client.read(append("a"))).toEqual(failedWith(Code.FailedPrecondition, "NOT_A_READ"));
    const plain = { method: "test.v1.Test.EchoRPC", payload: new Uint8Array() };
    expect(await client.read(plain)).toEqual(failedWith(Code.Unimplemented, "NOT_A_SESSION_METHOD"));
    client.session += 1;
    expect(await client.read(plain)).toEqual(refusedWith("SESSION_UNKNOWN"));
  });
});
