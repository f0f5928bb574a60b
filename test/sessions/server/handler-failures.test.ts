import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { ErrorInfoSchema } from "../../../internal/wire/gen/google/rpc/error_details_pb.js";
import { refusal } from "../../../src/sessions/session-errors.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failedWith, refusedWith } from "./expected-answers.js";
import { append, pay, read, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

const hostile = new Proxy(new QuorateError(Code.Aborted, "x"), {
  get: () => {
    throw new Error("do not touch");
  },
  getPrototypeOf: () => {
    throw new Error("do not touch");
  },
});
/** Not what the types allow, as untyped code may do it. */
const oddDetails = new QuorateError(Code.Aborted, "odd", { details: [null] as never });
const noDetails = new QuorateError(Code.Aborted, "odd", { details: 7 as never });

const odd: readonly [string, unknown][] = [
  ["an Error", new TypeError("engines say this in words of their own")],
  ["undefined", undefined],
  ["null", null],
  ["a text", "text"],
  ["an object", { code: 5 }],
  ["an error of gRPC", Object.assign(new Error("not found"), { code: 5, details: "not found" })],
  ["a QuorateError that says Ok", new QuorateError(Code.Ok, "fine")],
  ["a proxy that throws at any touch", hostile],
  ["a QuorateError whose details are no messages", oddDetails],
  ["a QuorateError without a list of details", noDetails],
];

function throwing(thrown: unknown): () => never {
  return () => {
    throw thrown;
  };
}

describe("a replicated handler", () => {
  it("throws a QuorateError, which is kept and answered again with its op, byte for byte", async () => {
    await using server = await SessionServer.start();
    await using other = await server.join();
    const info = create(ErrorInfoSchema, { reason: "THEIRS", domain: "example" });
    const details = [anyPack(ErrorInfoSchema, info)];
    const poor = new QuorateError(Code.FailedPrecondition, "not enough money", { reason: "POOR", details });
    for (const { register } of [server, other]) register.onAppend = throwing(poor);
    const client = await server.open();
    const first = await client.request(1, append("a"));
    expect(first).toEqual(failedWith(Code.FailedPrecondition, "POOR"));
    expect(first.error?.message).toBe("not enough money");
    expect(first.error?.details).toHaveLength(2);
    const elsewhere = await other.connect();
    elsewhere.session = client.session;
    await elsewhere.resume(2);
    expect(await elsewhere.request(1, append("a"))).toEqual(first);
    expect(server.register.runs).toEqual(["a"]);
  });

  it.each(odd)("throws %s: the same Internal everywhere, and the server goes on", async (_, thrown) => {
    await using server = await SessionServer.start();
    server.register.onAppend = throwing(thrown);
    const client = await server.open();
    const answer = await client.request(1, append("a"));
    expect(answer).toEqual(failedWith(Code.Internal, undefined));
    expect(answer.error?.message).toMatch(/^quorate: the handler( of register.v1.Register.Append)? failed$/);
    server.register.onAppend = undefined;
    expect(valueOf(await client.request(2, append("b")))).toBe("b");
    expect(server.sessions.stopped.aborted).toBe(false);
  });

  it("throws an Error: its text is for who runs the server, not for callers", async () => {
    await using server = await SessionServer.start();
    const failure = () => {
      throw new TypeError("what is wrong");
    };
    server.register.onAppend = failure;
    server.register.onRead = failure;
    const client = await server.open();
    await client.request(1, append("a"));
    await client.read(read());
    server.register.onAppend = throwing(new QuorateError(Code.Aborted, "meant"));
    await client.request(2, append("a"));
    expect(server.events.filter(({ kind }) => kind === "handlerFailed")).toEqual(
      ["Append", "Read"].map((name) => ({
        kind: "handlerFailed",
        method: `register.v1.Register.${name}`,
        error: expect.objectContaining({ message: "what is wrong" }),
      })),
    );
  });

  it.each(odd)("of a read throws %s: Internal, with the op of the state", async (_, thrown) => {
    await using server = await SessionServer.start();
    server.register.onRead = throwing(thrown);
    const client = await server.open();
    expect(await client.read(read())).toEqual(failedWith(Code.Internal, undefined));
  });

  it("passes on what a session of its own has met, without its reason", async () => {
    await using server = await SessionServer.start();
    server.register.onAppend = throwing(refusal("NO_SESSION"));
    const client = await server.open();
    const answer = await client.request(1, append("a"));
    expect(answer).toEqual(failedWith(Code.NotFound, undefined));
    expect(answer.error?.details).toEqual([]);
    expect(valueOf(await client.read(read()))).toBe("");
  });

  it("returns what cannot be encoded: an Internal that is kept", async () => {
    await using server = await SessionServer.start();
    server.register.onAppend = () => ({
      get value() {
        throw new TypeError("engines say this in words of their own");
      },
    });
    const client = await server.open();
    const answer = await client.request(1, append("a"));
    expect(answer).toEqual(failedWith(Code.Internal, undefined));
    expect(answer.error?.message).toBe("quorate: the reply of register.v1.Register.Append cannot be encoded");
    expect(await client.request(1, append("a"))).toEqual(answer);
  });

  it("gives a reply above maxReplyBytes: applied, and refused with REPLY_TOO_LARGE on every server alike", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxReplyBytes: 100 } } });
    const client = await server.open();
    const answer = await client.request(1, append("x".repeat(200)));
    expect(answer).toEqual(failedWith(Code.ResourceExhausted, "REPLY_TOO_LARGE"));
    expect(await client.request(1, append("x".repeat(200)))).toEqual(answer);
    expect(server.register.value("k")).toHaveLength(200);
  });

  it.each([
    ["a promise that fails", () => Promise.reject(new Error("late"))],
    ["something with then", () => new Proxy({}, { has: () => true, get: () => () => {} })],
  ])("returns %s: the server stops, as nobody knows in which state it goes on", async (_, handler) => {
    await using server = await SessionServer.start();
    server.register.onAppend = handler;
    const client = await server.open();
    expect(await client.request(1, append("a"))).toEqual(refusedWith("SESSIONS_STOPPED"));
    await eventually(() => server.sessions.stopped.aborted);
    expect(server.sessions.stopped.reason).toMatchObject({ code: Code.Internal, reason: "ASYNC_HANDLER" });
  });

  it("of a read returns a promise: only that read fails", async () => {
    await using server = await SessionServer.start();
    server.register.onRead = async () => ({ value: "late" });
    const client = await server.open();
    expect(await client.read(read())).toEqual(failedWith(Code.Internal, "ASYNC_HANDLER"));
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
  });
});

describe("a guarded handler", () => {
  it.each(odd)("throws %s: an error that is kept, and the server goes on", async (_, thrown) => {
    let runs = 0;
    const pays = () => {
      runs += 1;
      throw thrown;
    };
    await using server = await SessionServer.start({ pay: pays });
    const client = await server.open();
    const answer = await client.request(1, pay("a"));
    expect(answer.error).toBeInstanceOf(QuorateError);
    expect(answer.op).toBeGreaterThan(0);
    expect(await client.request(1, pay("a"))).toEqual(answer);
    expect(valueOf(await client.request(2, append("b")))).toBe("b");
    expect(runs).toBe(1);
  });
});
