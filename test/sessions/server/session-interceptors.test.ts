import { isMessage } from "@bufbuild/protobuf";
import type { HandlerCall, NextHandler, ServerInterceptor } from "quorate";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { AppendRequestSchema, ValueSchema } from "../../gen/register/v1/register_pb.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failedWith, refusedWith } from "./expected-answers.js";
import { newGate } from "./faulty-log.js";
import { append, paid, pay, read, receiptOf, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

/** Starts a server with these interceptors, the first one outermost. */
function start(...serverInterceptors: ServerInterceptor[]): Promise<SessionServer> {
  return SessionServer.start({ server: { serverInterceptors }, replicate: { anonymous: true } });
}

/** Writes down what it sees of calls and replies. */
function watching(seen: string[]): ServerInterceptor {
  return async (call, next) => {
    seen.push(`${call.method} ${textOf(call)}`);
    try {
      const reply = await next(call);
      seen.push(isMessage(reply, ValueSchema) ? `= ${reply.value}` : "= ?");
      return reply;
    } catch (error) {
      seen.push(`! ${QuorateError.from(error).reason}`);
      throw error;
    }
  };
}

function textOf({ request }: HandlerCall): string {
  return isMessage(request, AppendRequestSchema) ? request.value : "?";
}

const appendName = "register.v1.Register.Append";
const refuses: ServerInterceptor = (call, next) => {
  if (textOf(call) === "bad") throw new QuorateError(Code.PermissionDenied, "not you", { reason: "NOT_YOU" });
  return next(call);
};

describe("the interceptors of a server with sessions", () => {
  it("see request and reply of a request with a number, and run once, not for duplicates", async () => {
    const seen: string[] = [];
    await using server = await start(watching(seen));
    const client = await server.open();
    const first = await client.request(1, append("a"));
    expect(await client.request(1, append("a"))).toEqual(first);
    valueOf(await client.request(2, append("b")));
    expect(seen).toEqual([`${appendName} a`, "= a", `${appendName} b`, "= ab"]);
  });

  it("see the error that a handler throws, and do not change what is kept", async () => {
    const seen: string[] = [];
    const hides: ServerInterceptor = async (call, next) => {
      await next(call).catch(() => {});
      return undefined;
    };
    await using server = await start(hides, watching(seen));
    server.register.onAppend = () => {
      throw new QuorateError(Code.FailedPrecondition, "poor", { reason: "POOR" });
    };
    const client = await server.open();
    const answer = await client.request(1, append("a"));
    expect(answer).toEqual(failedWith(Code.FailedPrecondition, "POOR"));
    expect(await client.request(1, append("a"))).toEqual(answer);
    expect(seen).toEqual([`${appendName} a`, "! POOR"]);
  });

  it("are not taken over in a request with a number: each server runs what was sent", async () => {
    const changes: ServerInterceptor = async (call, next) => {
      const { request } = call;
      if (isMessage(request, AppendRequestSchema)) request.value = "changed";
      const reply = await next(call);
      if (isMessage(reply, ValueSchema)) reply.value = "changed, too";
      return reply;
    };
    await using server = await start(changes);
    const client = await server.open();
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
    expect(server.register.runs).toEqual(["a"]);
  });

  it("refuse a request: an entry, so that there is no gap, and the answer to all that come again", async () => {
    let asked = 0;
    const counts: ServerInterceptor = (call, next) => {
      asked += 1;
      return next(call);
    };
    await using server = await start(counts, refuses);
    const client = await server.open();
    const answers = [client.request(1, append("bad")), client.request(2, append("b"))];
    const [refused, behind] = await Promise.all(answers);
    expect(refused).toEqual(failedWith(Code.PermissionDenied, "NOT_YOU"));
    expect(behind && valueOf(behind)).toBe("b");
    expect(await client.request(1, append("bad"))).toEqual(refused);
    expect(asked).toBe(2);
    expect(server.control.kinds.slice(-2)).toEqual(["refused", "request"]);
  });

  it("refuse with what a session of their own has met: without its reason, for it is final", async () => {
    const passesOn: ServerInterceptor = () => {
      throw new QuorateError(Code.Unavailable, "elsewhere", { reason: "RETRY" });
    };
    await using server = await start(passesOn);
    const client = await server.open();
    expect(await client.request(1, append("a"))).toEqual(failedWith(Code.Unavailable, undefined));
    expect(await client.read(read())).toEqual(failedWith(Code.Unavailable, undefined));
  });

  it("may refuse with a text that no entry could hold: it is cut to what is kept", async () => {
    const long: ServerInterceptor = () => {
      throw new QuorateError(Code.Aborted, "x".repeat(8 << 20));
    };
    await using server = await start(long);
    const client = await server.open();
    const answer = await client.request(1, append("a"));
    expect(answer).toEqual(failedWith(Code.ResourceExhausted, "REPLY_TOO_LARGE"));
    expect(await client.request(1, append("a"))).toEqual(answer);
  });

  it("cannot answer in place of the handler: that is refused for good", async () => {
    const answers: ServerInterceptor = ({ request }) => request;
    await using server = await start(answers);
    const client = await server.open();
    const refused = failedWith(Code.FailedPrecondition, "INTERCEPTOR_ANSWERED");
    expect(await client.request(1, append("a"))).toEqual(refused);
    expect(await client.request(2, pay("a"))).toEqual(refused);
    expect(server.register.runs).toEqual([]);
  });

  it("may call next several times: the request is one entry, and is answered once", async () => {
    const twice: ServerInterceptor = async (call, next) => {
      await Promise.all([next(call), next(call)]);
      return next(call);
    };
    await using server = await start(twice);
    const client = await server.open();
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
    expect(valueOf(await client.request(2, append("b")))).toBe("ab");
    expect(client.lateReplies).toBe(0);
    expect(server.register.runs).toEqual(["a", "b"]);
  });

  it("may call next when they have answered already: that comes too late", async () => {
    const late = newGate<unknown>();
    const goOn = async (call: HandlerCall, next: NextHandler) => {
      await eventually(() => server.control.kinds.at(-1) === "refused");
      await next(call).catch((error: unknown) => late.open(error));
    };
    const tooLate: ServerInterceptor = (call, next) => {
      void goOn(call, next);
      return undefined;
    };
    await using server = await start(tooLate);
    const client = await server.open();
    const apply = server.control.holdEntries();
    const answer = client.request(1, append("late"));
    expect(await late.promise).toMatchObject({ reason: "INTERCEPTOR_ANSWERED" });
    apply();
    expect(await answer).toEqual(failedWith(Code.FailedPrecondition, "INTERCEPTOR_ANSWERED"));
    await client.keepAlive();
    expect(client.lateReplies).toBe(0);
    expect(server.register.runs).toEqual([]);
  });

  it("hold the place of a request in the order of its stream, however long they take", async () => {
    const gate = newGate();
    const slow: ServerInterceptor = async (call, next) => {
      if (textOf(call) === "a") await gate.promise;
      return next(call);
    };
    await using server = await start(slow);
    const client = await server.open();
    const answers = [client.request(1, append("a")), client.request(2, append("b"))];
    gate.open();
    expect((await Promise.all(answers)).map(valueOf)).toEqual(["a", "ab"]);
  });

  it.each([
    ["accept", "a"],
    ["refuse", "bad"],
  ])("that %s a request whose session was resumed meanwhile have no effect", async (_, text) => {
    const gate = newGate();
    const slow: ServerInterceptor = async (call, next) => {
      if (textOf(call) === text) await gate.promise;
      return next(call);
    };
    await using server = await start(slow, refuses);
    const holder = await server.open();
    const fenced = holder.request(1, append(text));
    const next = await server.connect();
    next.session = holder.session;
    await next.resume(2);
    const apply = server.control.holdEntries();
    const own = [next.request(1, append("own")), next.request(2, append("two"))];
    await eventually(() => server.sessions.snapshot().inFlight === 2);
    gate.open();
    expect(await fenced).toEqual(refusedWith("SESSION_MISMATCH"));
    // What is in flight under the new number is still known.
    const again = next.request(1, append("own"));
    await eventually(() => server.sessions.snapshot().counters.joined === 1);
    apply();
    expect((await Promise.all(own)).map(valueOf)).toEqual(["own", "owntwo"]);
    expect(valueOf(await again)).toBe("own");
  });

  it("see no stamp, and neither do handlers", async () => {
    const seen: string[] = [];
    const looks: ServerInterceptor = (call, next) => {
      for (const [key, value] of call.context.metadata) seen.push(`${key}: ${value}`);
      return next(call);
    };
    const looksToo = (_: unknown, { metadata }: { readonly metadata: Iterable<[string, string]> }) => {
      for (const [key, value] of metadata) seen.push(`${key}: ${value}`);
      return {};
    };
    await using server = await SessionServer.start({
      server: { serverInterceptors: [looks] },
      pay: looksToo,
    });
    const client = await server.connect({ metadata: { "of-the-stream": "s" } });
    await client.open();
    receiptOf(await client.request(1, pay("a")));
    valueOf(await client.request(2, append("a")));
    valueOf(await client.read(read()));
    receiptOf(await client.read(paid()));
    expect(seen.filter((entry) => entry.startsWith("quorate-session"))).toEqual([]);
    expect(seen).toContain("of-the-stream: s");
  });

  it("see no call of the session service: there are secrets in them", async () => {
    const seen: string[] = [];
    await using server = await start(watching(seen));
    const client = await server.open();
    await client.keepAlive();
    await client.unregister();
    expect(seen).toEqual([]);
  });
});
