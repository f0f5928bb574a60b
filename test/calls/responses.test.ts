import { Code, createClient, type NodeResponse, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import type { EchoResponse } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { holdingCluster, isSettled, rejectionOf } from "./held-cluster.js";

checkLeaks();

/** Puts a response in one word. */
const brief = (response: NodeResponse<EchoResponse>) =>
  `${response.node.id} ${response.ok ? response.value.value : response.error.message}`;

async function collect(responses: AsyncIterable<NodeResponse<EchoResponse>>): Promise<string[]> {
  const found: string[] = [];
  for await (const response of responses) found.push(brief(response));
  return found;
}

describe("Responses", () => {
  it("[IT-01] [IT-09] yields the response of each node by arrival, and ends after the last", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({});
    const collected = collect(responses);
    await servers.answer(2);
    await eventually(() => servers.client.node(2).pendingCalls === 0);
    (await servers.next(3)).fail(new QuorateError(Code.NotFound, "no"));
    await eventually(() => servers.client.node(3).pendingCalls === 0);
    expect(await isSettled(collected)).toBe(false);
    await servers.answer(1);
    expect(await collected).toEqual(["2 at 2", "3 no", "1 at 1"]);
  });

  it("yields each response as soon as it is there", async () => {
    await using servers = await holdingCluster(2);
    const iterator = createClient(Test, servers.client).echoQC({})[Symbol.asyncIterator]();
    const first = iterator.next();
    expect(await isSettled(first)).toBe(false);
    await servers.answer(2);
    expect((await first).value).toMatchObject({ ok: true, value: { value: "at 2" } });
    const second = iterator.next();
    await servers.answer(1);
    expect((await second).value).toMatchObject({ ok: true, node: { id: 1 } });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("may be iterated several times, at once and later, beside terminals", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({});
    const together = Promise.all([collect(responses), collect(responses), responses.all()]);
    for (const node of [3, 2, 1]) {
      await servers.answer(node);
      await eventually(() => servers.client.node(node).pendingCalls === 0);
    }
    const [one, two] = await together;
    expect(one).toEqual(["3 at 3", "2 at 2", "1 at 1"]);
    expect(two).toEqual(one);
    expect(await collect(responses)).toEqual(one);
  });

  it("[IT-06] can be summed up", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({});
    for (const node of [1, 2, 3]) (await servers.next(node)).reply(String(node * 10));
    let sum = 0;
    for await (const response of responses) if (response.ok) sum += Number(response.value.value);
    expect(sum).toBe(60);
  });

  it("[IT-08] stops waiting when the loop is left", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({});
    const answered = servers.answer(2);
    for await (const response of responses) {
      expect(brief(response)).toBe("2 at 2");
      break;
    }
    await answered;
    expect(servers.client.nodes.map((node) => node.pendingCalls)).toEqual([0, 0, 0]);
    expect((await servers.next(1)).context.signal.aborted).toBe(false);
  });

  it("does not stop waiting for a loop that was left while another goes on", async () => {
    await using servers = await holdingCluster(2);
    const responses = createClient(Test, servers.client).echoQC({});
    const whole = collect(responses);
    await servers.answer(1);
    for await (const response of responses) {
      if (response.ok) break;
    }
    expect(servers.client.node(2).pendingCalls).toBe(1);
    await servers.answer(2);
    expect(await whole).toEqual(["1 at 1", "2 at 2"]);
  });

  it("ends at the deadline with an error for each node that has not answered", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({}, { timeoutMs: 60 });
    await servers.answer(2);
    const seen: unknown[] = [];
    for await (const response of responses) {
      seen.push([response.node.id, response.ok ? "ok" : response.error.code]);
    }
    expect(seen).toEqual([
      [2, "ok"],
      [1, Code.DeadlineExceeded],
      [3, Code.DeadlineExceeded],
    ]);
    expect((await rejectionOf(responses.majority())).code).toBe(Code.DeadlineExceeded);
    expect((await responses.first()).value).toBe("at 2");
  });

  it("throws what keeps the call from being made at all", async () => {
    await using servers = await holdingCluster(1);
    const none = createClient(Test, servers.client.without(1)).echoQC({});
    const collected = rejectionOf(collect(none));
    expect(await collected).toMatchObject({ code: Code.FailedPrecondition, reason: "EMPTY_CONFIGURATION" });
    expect(none.size).toBe(0);
  });

  it("is no promise: awaiting it waits for nothing", async () => {
    await using servers = await holdingCluster(1);
    const responses = createClient(Test, servers.client).echoQC({});
    expect("then" in responses).toBe(false);
    await servers.answer(1);
    await responses.all();
  });
});
