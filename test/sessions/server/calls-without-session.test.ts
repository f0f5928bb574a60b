import { isMessage } from "@bufbuild/protobuf";
import type { ServerInterceptor } from "quorate";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { AppendRequestSchema, ValueSchema } from "../../gen/register/v1/register_pb.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failedWith, refusedWith } from "./expected-answers.js";
import { newGate } from "./faulty-log.js";
import { append, paid, pay, read, valueOf } from "./register-service.js";
import { SessionServer, type SessionServerOptions } from "./session-server.js";

checkLeaks();

const authenticate = (credentials: { readonly kind: string; readonly user?: string }) => ({
  id: credentials.user ?? "nobody",
});
const ann = { case: "password", value: { user: "ann", password: "p" } } as const;
const anonymous = { replicate: { anonymous: true }, guard: { anonymous: true } } as const;

/** Starts a server with interceptors. */
function start(...serverInterceptors: ServerInterceptor[]): Promise<SessionServer> {
  return SessionServer.start({ server: { serverInterceptors } });
}

describe("a call without a session", () => {
  it.each([append("a"), read(), pay("a"), paid()])(
    "is refused where nobody has logged in: $method",
    async (what) => {
      await using server = await SessionServer.start({ sessions: { authenticate } });
      const client = await server.connect();
      expect(await client.call(what)).toEqual(refusedWith("NOT_AUTHENTICATED"));
      expect(server.register.runs).toEqual([]);
    },
  );

  it.each<[string, SessionServerOptions, string]>([
    ["somebody has logged in", { sessions: { authenticate } }, "ann"],
    ["the service is for everybody", { sessions: { authenticate }, ...anonymous }, ""],
    ["nobody need log in", {}, ""],
  ])("is served where %s", async (_, options, user) => {
    await using server = await SessionServer.start(options);
    const client = await server.connect();
    if (user !== "") await client.login(ann);
    const written = await client.call(append("a"));
    expect(valueOf(written)).toBe("a");
    expect(written.op).toBe(server.appliedOp);
    expect(server.register.contexts).toMatchObject([{ op: written.op, user, client: undefined }]);
    const answer = await client.call(read());
    expect(valueOf(answer)).toBe("a");
    expect(answer.op).toBe(server.appliedOp);
    expect(server.control.appended.at(-1)).toMatchObject({ kind: "call", user });
  });

  it("runs as often as it comes: nothing tells one from the other", async () => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    const answers = [client.call(append("a")), client.call(append("a"))];
    expect((await Promise.all(answers)).map(valueOf)).toEqual(["a", "aa"]);
  });

  it("keeps the order of its stream, and does not hold it while it is committed", async () => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    const apply = server.control.holdEntries();
    const answers = ["a", "b", "c"].map((text) => client.call(append(text)));
    await eventually(() => server.control.kinds.filter((kind) => kind === "call").length === 3);
    apply();
    expect((await Promise.all(answers)).map(valueOf)).toEqual(["a", "ab", "abc"]);
  });

  it.each([
    ["unknown", "OUTCOME_UNKNOWN"],
    ["not-appended", "LOG_UNAVAILABLE"],
  ] as const)("whose append ends %s gets %s", async (outcome, reason) => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    server.control.failAppends(outcome, { times: 1 });
    expect(await client.call(append("a"))).toEqual(refusedWith(reason));
    expect(valueOf(await client.call(append("b")))).toBe("b");
  });

  it("gets the error of a replicated handler with the op of its entry", async () => {
    await using server = await SessionServer.start();
    server.register.onAppend = () => {
      throw new QuorateError(Code.FailedPrecondition, "poor", { reason: "POOR" });
    };
    const client = await server.connect();
    expect(await client.call(append("a"))).toEqual(failedWith(Code.FailedPrecondition, "POOR"));
  });

  it("that cannot be decoded, or is too large, is refused and not committed", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxRequestBytes: 100 } } });
    const client = await server.connect();
    const broken = { ...append(""), payload: Uint8Array.of(0x0a, 0xff) };
    expect(await client.call(broken)).toMatchObject({ error: { reason: "UNDECODABLE_REQUEST" } });
    expect(await client.call(append("x".repeat(200)))).toMatchObject({
      error: { reason: "REQUEST_TOO_LARGE" },
    });
    expect(server.control.kinds).not.toContain("call");
  });

  it("of a guarded method runs as a plain one: nothing is committed, and its signal is the caller's", async () => {
    const paying = newGate<{ text: string }>();
    const signals: AbortSignal[] = [];
    await using server = await SessionServer.start({
      pay: (_, context) => {
        expect(context).toMatchObject({ op: undefined, client: undefined, user: "" });
        signals.push(context.signal);
        return paying.promise;
      },
    });
    const client = await server.connect();
    const appended = server.control.appended.length;
    const lost = client.call(pay("a"));
    await eventually(() => signals.length === 1);
    await client.close();
    await lost;
    await eventually(() => signals[0]?.aborted === true);
    paying.open({ text: "nobody hears it" });
    expect(server.control.appended).toHaveLength(appended);
  });
});

describe("the interceptors around a call without a session", () => {
  it("may change request and reply, of reads, too", async () => {
    const changes: ServerInterceptor = async (call, next) => {
      const { request } = call;
      if (isMessage(request, AppendRequestSchema)) request.value += "!";
      const reply = await next(call);
      if (isMessage(reply, ValueSchema)) reply.value = `<${reply.value}>`;
      return reply;
    };
    await using server = await start(changes);
    const client = await server.connect();
    const written = await client.call(append("a"));
    expect(valueOf(written)).toBe("<a!>");
    expect(written.op).toBe(server.appliedOp);
    expect(server.register.runs).toEqual(["a!"]);
    expect(valueOf(await client.call(read()))).toBe("<a!>");
  });

  it("may refuse it: nothing is committed, and the error is as they throw it", async () => {
    const refuses: ServerInterceptor = () => {
      throw new Error("no");
    };
    await using server = await start(refuses);
    const client = await server.connect();
    const refused = { op: undefined, error: { code: Code.Unknown, message: "no" } };
    expect(await client.call(append("a"))).toMatchObject(refused);
    expect(await client.call(pay("a"))).toMatchObject(refused);
    expect(server.control.kinds).not.toContain("call");
  });

  it("may fail behind it: the error has the op, as the call was applied", async () => {
    const fails: ServerInterceptor = async (call, next) => {
      await next(call);
      throw new Error("too late");
    };
    await using server = await start(fails);
    const client = await server.connect();
    const answer = await client.call(append("a"));
    expect(answer).toEqual(failedWith(Code.Unknown, undefined));
    expect(answer.op).toBe(server.appliedOp);
    expect(server.register.runs).toEqual(["a"]);
  });

  it("cannot hide that the log has refused it, unless they answer themselves", async () => {
    const hides: ServerInterceptor = async (call, next) => {
      try {
        return await next(call);
      } catch {
        throw new Error("something else");
      }
    };
    await using server = await start(hides);
    const client = await server.connect();
    server.control.failAppends("unknown", { times: 1 });
    expect(await client.call(append("a"))).toEqual(refusedWith("OUTCOME_UNKNOWN"));
  });

  it("have their errors masked where the server masks errors", async () => {
    const fails: ServerInterceptor = (call, next) => {
      if (call.method.endsWith("Pay")) return next(call);
      throw new Error("secret");
    };
    await using server = await SessionServer.start({
      server: { serverInterceptors: [fails], maskErrors: true },
      pay: () => {
        throw new Error("secret");
      },
    });
    const client = await server.open();
    const answers = [
      await client.call(append("a")),
      await client.call(pay("a")),
      await client.request(1, append("a")),
      await client.request(2, pay("a")),
      await client.read(read()),
    ];
    expect(answers.map(({ error }) => error?.message)).toEqual(Array(5).fill("the handler failed"));
  });
});
