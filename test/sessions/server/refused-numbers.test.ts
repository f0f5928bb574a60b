import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { failedWith } from "./expected-answers.js";
import type { RawRequest } from "./raw-session-client.js";
import { append, echo, pay, receiptOf, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

const undecodable = Uint8Array.of(0x0a, 0xff);
const limits = { maxRequestBytes: 1_000 };

/** What is refused for good, and how. */
const refusals: readonly [string, RawRequest, Code, string][] = [
  [
    "a method that nobody serves",
    { method: "no.such.Method", payload: new Uint8Array() },
    Code.Unimplemented,
    "NOT_A_SESSION_METHOD",
  ],
  ["a plain method", echo("hello"), Code.Unimplemented, "NOT_A_SESSION_METHOD"],
  [
    "a request of a replicated method that cannot be decoded",
    { ...append(""), payload: undecodable },
    Code.InvalidArgument,
    "UNDECODABLE_REQUEST",
  ],
  [
    "a request of a guarded method that cannot be decoded",
    { ...pay(""), payload: undecodable },
    Code.InvalidArgument,
    "UNDECODABLE_REQUEST",
  ],
  ["a request above maxRequestBytes", append("x".repeat(1_001)), Code.ResourceExhausted, "REQUEST_TOO_LARGE"],
];

describe("a request that is refused for good after its number was given out", () => {
  it.each(refusals)("is an entry: %s leaves no gap", async (_, what, code, reason) => {
    await using server = await SessionServer.start({ sessions: { limits } });
    const client = await server.open();
    const answers = [client.request(1, append("a")), client.request(2, what), client.request(3, append("b"))];
    const [, refused, behind] = await Promise.all(answers);
    expect(refused).toEqual(failedWith(code, reason));
    expect(behind && valueOf(behind)).toBe("ab");
    expect(server.control.kinds.slice(-3)).toEqual(["request", "refused", "request"]);
  });

  it.each(refusals)("is answered again with the kept status, at another server, too: %s", async (_, what) => {
    await using server = await SessionServer.start({ sessions: { limits } });
    await using other = await server.join();
    const client = await server.open();
    const first = await client.request(1, what);
    expect(await client.request(1, what)).toEqual(first);
    const elsewhere = await other.connect();
    elsewhere.session = client.session;
    await elsewhere.resume(2);
    expect(await elsewhere.request(1, what)).toEqual(first);
    expect(valueOf(await elsewhere.request(2, append("a")))).toBe("a");
    expect(server.control.kinds.filter((kind) => kind === "refused")).toHaveLength(1);
  });

  it("is not seen by handlers and plain services", async () => {
    await using server = await SessionServer.start({ sessions: { limits } });
    const client = await server.open();
    for (const [at, [, what]] of refusals.entries()) await client.request(at + 1, what);
    expect(server.register.runs).toEqual([]);
    expect(receiptOf(await client.request(refusals.length + 1, pay("x")))).toBe("paid x");
  });

  it("keeps no more of a long status than maxReplyBytes", async () => {
    const small = { limits: { maxReplyBytes: 64 } };
    await using server = await SessionServer.start({ sessions: small });
    const client = await server.open();
    const what = { method: `no.such.${"Method".repeat(20)}`, payload: new Uint8Array() };
    const answer = await client.request(1, what);
    expect(answer).toEqual(failedWith(Code.ResourceExhausted, "REPLY_TOO_LARGE"));
    expect(await client.request(1, what)).toEqual(answer);
  });
});

describe("a plain method", () => {
  it("is served as ever to calls without a stamp", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const answer = await client.call(echo("hello"));
    expect(answer).toMatchObject({ error: undefined, op: undefined });
    expect(new TextDecoder().decode(answer.payload)).toContain("echo: hello");
    expect(server.control.kinds).not.toContain("refused");
  });
});
