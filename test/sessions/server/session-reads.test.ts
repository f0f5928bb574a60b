import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { failedWith } from "./expected-answers.js";
import { append, paid, read, receiptOf, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

const local = { replicate: { consistency: { read: "local" } } } as const;

describe("a read of a session", () => {
  it("appends nothing, has the op of the state, and says who asks", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const { op } = await client.request(1, append("a"));
    const appended = server.control.appended.length;
    const answer = await client.read(read());
    expect(valueOf(answer)).toBe("a");
    expect(answer.op).toBe(op);
    expect(server.control.appended).toHaveLength(appended);
    expect(server.register.contexts.at(-1)).toEqual({
      op,
      timestampMs: expect.any(Number),
      user: "",
      client: client.id,
    });
    // It had no number: the next request is number 2.
    expect(valueOf(await client.request(2, append("b")))).toBe("ab");
  });

  it("makes one barrier", async () => {
    await using fast = await SessionServer.start();
    await using slow = await fast.join();
    await fast.open();
    const elsewhere = await slow.connect();
    await elsewhere.open();
    const tails = slow.control.tails;
    valueOf(await elsewhere.read(read()));
    expect(slow.control.tails).toBe(tails + 1);
  });

  it("makes no second one where its check has made one", async () => {
    await using fast = await SessionServer.start();
    await using slow = await fast.join();
    const catchUp = slow.control.holdEntries();
    const client = await fast.open();
    valueOf(await client.request(1, append("a")));
    const elsewhere = await slow.connect();
    // Right behind the same Register: this server has yet to learn of the session.
    const registered = elsewhere.register();
    elsewhere.session = client.session;
    const tails = slow.control.tails;
    const answer = elsewhere.read(read());
    await eventually(() => slow.control.tails === tails + 1);
    catchUp();
    expect(valueOf(await answer)).toBe("a");
    expect((await registered).error).toBeUndefined();
    expect(slow.control.tails).toBe(tails + 1);
  });

  it("sees what was acknowledged at a faster server before it began", async () => {
    await using fast = await SessionServer.start();
    await using slow = await fast.join();
    const writer = await fast.open(1);
    const reader = await slow.open(2);
    const catchUp = slow.control.holdEntries();
    const { op } = await writer.request(1, append("a"));
    const tails = slow.control.tails;
    const answer = reader.read(read());
    await eventually(() => slow.control.tails > tails);
    catchUp();
    expect(valueOf(await answer)).toBe("a");
    expect((await answer).op).toBe(op);
  });

  it("does not share a barrier that was sent before it came", async () => {
    await using fast = await SessionServer.start();
    await using slow = await fast.join();
    const writer = await fast.open(1);
    const reader = await slow.open(2);
    await eventually(() => slow.appliedOp === fast.appliedOp);
    // The first barrier's answer is on its way, and it is older than the write.
    const tails = slow.control.tails;
    const answerTail = slow.control.holdTail();
    const before = reader.read(read());
    await eventually(() => slow.control.tails === tails + 1);
    const catchUp = slow.control.holdEntries();
    valueOf(await writer.request(1, append("a")));
    const behind = reader.read(read());
    await turn();
    answerTail();
    expect(valueOf(await before)).toBe("");
    catchUp();
    expect(valueOf(await behind)).toBe("a");
  });

  it("does not wait for the requests before it on its stream, nor do those behind it wait for it", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const answerTail = server.control.holdTail();
    const waiting = client.read(read());
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
    answerTail();
    expect(valueOf(await waiting)).toBe("a");
  });

  it("that is local makes no barrier, and sees at least what its session has seen", async () => {
    await using fast = await SessionServer.start(local);
    await using slow = await fast.join(local);
    const writer = await fast.open(1);
    const reader = await slow.connect({ client: 1 });
    await reader.open();
    const catchUp = slow.control.holdEntries();
    const { op = 0 } = await writer.request(1, append("a"));
    const tails = slow.control.tails;
    // It may lag behind what others have written ...
    expect(valueOf(await reader.read(read()))).toBe("");
    // ... but not behind what its own session was told.
    const seen = reader.read(read(), { lastOp: op });
    await turn();
    catchUp();
    expect(valueOf(await seen)).toBe("a");
    expect(slow.control.tails).toBe(tails);
  });

  it("of a guarded service runs the handler on this server, without a barrier", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const tails = server.control.tails;
    const answer = await client.read(paid());
    expect(receiptOf(answer)).toBe("all");
    expect(answer.op).toBe(server.appliedOp);
    expect(server.control.tails).toBe(tails);
  });

  it("that cannot be decoded, or is too large, is refused for good", async () => {
    await using server = await SessionServer.start({ sessions: { limits: { maxRequestBytes: 100 } } });
    const client = await server.open();
    const broken = { ...read(), payload: Uint8Array.of(0x0a, 0xff) };
    expect(await client.read(broken)).toEqual(failedWith(Code.InvalidArgument, "UNDECODABLE_REQUEST"));
    expect(await client.read(read("k".repeat(200)))).toEqual(
      failedWith(Code.ResourceExhausted, "REQUEST_TOO_LARGE"),
    );
  });
});
