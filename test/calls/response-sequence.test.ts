import { Code, createClient, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { type HeldCluster, holdingCluster, isSettled } from "./held-cluster.js";

checkLeaks();

/** Three servers of which the second fails, asked. */
async function mixedResponses() {
  const servers = await holdingCluster(3);
  const responses = createClient(Test, servers.client).echoQC({ value: "x" });
  await answer(servers, 1);
  (await servers.next(2)).fail(new QuorateError(Code.NotFound, "no"));
  await eventually(() => servers.client.node(2).pendingCalls === 0);
  await answer(servers, 3);
  return { servers, responses, [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose]() };
}

async function answer(servers: HeldCluster, node: number): Promise<void> {
  await servers.answer(node);
  await eventually(() => servers.client.node(node).pendingCalls === 0);
}

describe("a sequence of responses", () => {
  it("[IT-01] yields only the replies if errors are ignored", async () => {
    await using asked = await mixedResponses();
    const values: string[] = [];
    // The types know that only replies are left.
    for await (const { node, value } of asked.responses.ignoreErrors())
      values.push(`${node.id} ${value.value}`);
    expect(values).toEqual(["1 at 1", "3 at 3"]);
  });

  it("[IT-02] yields only what a filter wants", async () => {
    await using asked = await mixedResponses();
    const found: number[] = [];
    for await (const response of asked.responses.filter(({ node }) => node.id === 2))
      found.push(response.node.id);
    expect(found).toEqual([2]);
    const none = await asked.responses
      .ignoreErrors()
      .filter(({ node }) => node.id === 2)
      .collect();
    expect(none.size).toBe(0);
  });

  it("[IT-03] collects the responses of as many nodes as it is asked for", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({ value: "x" });
    const collected = responses.collect(2);
    await answer(servers, 3);
    expect(await isSettled(collected)).toBe(false);
    await answer(servers, 1);
    expect([...(await collected)].map(([id, { ok }]) => `${id} ${ok}`)).toEqual(["3 true", "1 true"]);
    expect(servers.client.node(2).pendingCalls).toBe(0);
    await servers.next(2);
  });

  it("[IT-04] collects the responses of all nodes, by id", async () => {
    await using asked = await mixedResponses();
    const collected = await asked.responses.collect();
    expect([...collected.keys()]).toEqual([1, 2, 3]);
    expect(collected.get(1)).toMatchObject({ ok: true, value: { value: "at 1" } });
    // A node that failed is there with its error, not with an empty value.
    expect(collected.get(2)).toMatchObject({ ok: false, error: { code: Code.NotFound } });
    expect([...(await asked.responses.ignoreErrors().collect()).keys()]).toEqual([1, 3]);
  });

  it("collects what has come when the call ends", async () => {
    await using servers = await holdingCluster(2);
    const collected = createClient(Test, servers.client).echoQC({}, { timeoutMs: 60 }).collect();
    await answer(servers, 2);
    expect([...(await collected)].map(([id, { ok }]) => `${id} ${ok}`)).toEqual(["2 true", "1 false"]);
  });

  it("stops waiting when a filtered loop is left", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({});
    const answered = answer(servers, 2);
    for await (const { node } of responses.ignoreErrors()) {
      expect(node.id).toBe(2);
      break;
    }
    await answered;
    expect(servers.client.nodes.map((node) => node.pendingCalls)).toEqual([0, 0, 0]);
  });

  it.each([0, -1, 2.5, Number.NaN])("[W-31] refuses to collect %s responses", async (count) => {
    await using servers = await holdingCluster(1);
    const responses = createClient(Test, servers.client).echoQC({});
    expect(() => responses.collect(count)).toThrow(expect.objectContaining({ code: Code.InvalidArgument }));
    await servers.answer(1);
    expect((await responses.collect()).size).toBe(1);
  });
});
