import { Code, connect, createClient, QuorateError, QuorumCallError } from "quorate";
import { describe, expect, it } from "vitest";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { holdingCluster, isSettled, rejectionOf } from "./held-cluster.js";
import { slowDial } from "./slow-dial.js";

checkLeaks();

describe("a quorum call that reached its threshold", () => {
  it("[W-12] has no entry left, and drops the replies that come later", async () => {
    await using servers = await holdingCluster(3);
    const { client, events } = servers;
    const responses = createClient(Test, client).echoQC({ value: "write" });
    const majority = responses.majority();
    await servers.answer(1, 2);
    await majority;
    expect(client.nodes.map((node) => node.pendingCalls)).toEqual([0, 0, 0]);
    // No cancel: a write must reach the slow replica too.
    const slow = await servers.next(3);
    expect(slow.context.signal.aborted).toBe(false);
    expect(events.filter(({ kind }) => kind === "lateReply")).toEqual([]);
    slow.reply("late");
    await eventually(() => events.some(({ kind }) => kind === "lateReply"));
    expect(events.filter(({ kind }) => kind === "lateReply")).toEqual([
      { kind: "lateReply", nodeId: 3, method: "test.v1.Test.EchoQC" },
    ]);
    expect(slow.context.signal.aborted).toBe(false);
  });

  it("goes on waiting while another terminal waits", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({});
    const all = responses.all((replies) => replies.length);
    const first = responses.first();
    await servers.answer(2);
    expect((await first).value).toBe("at 2");
    expect(servers.client.nodes.map((node) => node.pendingCalls)).toEqual([1, 0, 1]);
    await servers.answer(3, 1);
    expect(await all).toBe(3);
  });

  it("answers a later terminal from what has come, and refuses one that needs more", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({});
    const majority = responses.majority();
    await servers.answer(1, 3);
    await majority;
    expect(await responses.threshold(2, (replies) => replies.length)).toBe(2);
    const error = await rejectionOf(responses.all());
    expect(error).toBeInstanceOf(QuorumCallError);
    expect(error).toMatchObject({ code: Code.FailedPrecondition, reason: "STOPPED" });
    expect((error as QuorumCallError).unanswered.map(({ id }) => id)).toEqual([2]);
    const arrived: number[] = [];
    for await (const { node } of responses) arrived.push(node.id);
    expect(arrived.sort((a, b) => a - b)).toEqual([1, 3]);
  });

  it("stops waiting when it failed, too", async () => {
    await using servers = await holdingCluster(3);
    const all = rejectionOf(createClient(Test, servers.client).echoQC({}).all());
    (await servers.next(2)).fail(new QuorateError(Code.NotFound, "no"));
    await all;
    expect(servers.client.nodes.map((node) => node.pendingCalls)).toEqual([0, 0, 0]);
  });

  it("does not stop while nobody has looked yet", async () => {
    await using servers = await holdingCluster(2);
    const responses = createClient(Test, servers.client).echoQC({});
    await servers.answer(1);
    await eventually(() => servers.client.node(1).pendingCalls === 0);
    expect(servers.client.node(2).pendingCalls).toBe(1);
    await servers.answer(2);
    expect(await responses.all((replies) => replies.map(({ value }) => value))).toEqual(["at 1", "at 2"]);
  });
});

describe("a write to a node that cannot take it yet", () => {
  it.each(["a signal that ends afterwards", "no signal"])(
    "[W-04] arrives after the majority, with %s",
    async (how) => {
      await using servers = await holdingCluster(3);
      const network = slowDial(servers.cluster, 3);
      await using client = await connect({ nodes: servers.cluster.nodes, transport: network.transport });
      const controller = new AbortController();
      const responses = createClient(Test, client).echoQC(
        { value: "write" },
        how === "no signal" ? {} : { signal: controller.signal },
      );
      const majority = responses.majority();
      await servers.answer(1, 2);
      await majority;
      expect(client.node(3).pendingCalls).toBe(1);
      controller.abort();
      network.open();
      const received = await servers.next(3);
      expect(received.request.value).toBe("write");
      expect(client.node(3).pendingCalls).toBe(0);
      received.reply("late");
    },
  );

  it("is withdrawn by its deadline, also after the majority", async () => {
    await using servers = await holdingCluster(3);
    const network = slowDial(servers.cluster, 3);
    await using client = await connect({ nodes: servers.cluster.nodes, transport: network.transport });
    const test = createClient(Test, client);
    const majority = test.echoQC({ value: "late" }, { timeoutMs: 100 }).majority();
    await servers.answer(1, 2);
    await majority;
    await eventually(() => client.node(3).pendingCalls === 0);
    const fresh = createClient(Test, client.node(3)).echoRPC({ value: "fresh" });
    network.open();
    const received = await servers.next(3);
    expect(received.request.value).toBe("fresh");
    expect(servers.held(3)).toEqual([]);
    received.reply("done");
    await fresh;
  });

  it("is withdrawn by its signal as long as somebody waits", async () => {
    await using servers = await holdingCluster(2);
    const network = slowDial(servers.cluster, 2);
    await using client = await connect({ nodes: servers.cluster.nodes, transport: network.transport });
    const controller = new AbortController();
    const all = rejectionOf(createClient(Test, client).echoQC({}, { signal: controller.signal }).all());
    const held = await servers.next(1);
    controller.abort();
    expect((await all).code).toBe(Code.Canceled);
    expect(client.nodes.map((node) => node.pendingCalls)).toEqual([0, 0]);
    // The one that was sent is canceled, so that nobody works for nothing.
    await eventually(() => held.context.signal.aborted);
    expect(held.context.signal.reason).toMatchObject({ code: Code.Canceled });
    held.reply("late");
    network.open();
    await eventually(() => client.node(2).connected);
    expect(servers.held(2)).toEqual([]);
  });
});

it("[W-10] a node that cannot be reached does not delay the others, wherever it stands in the order", async () => {
  await using servers = await holdingCluster(3);
  const network = slowDial(servers.cluster, 1);
  await using client = await connect({ nodes: servers.cluster.nodes, transport: network.transport });
  const responses = createClient(Test, client).echoQC({});
  const all = responses.all();
  const majority = responses.majority((replies) =>
    replies
      .map(({ value }) => value)
      .sort()
      .join(),
  );
  await servers.answer(3, 2);
  expect(await majority).toBe("at 2,at 3");
  expect(await isSettled(all)).toBe(false);
  const multicast = createClient(Test, client).echoMulticast({ value: "tell" });
  for (const node of [2, 3]) expect((await servers.next(node)).request.value).toBe("tell");
  network.open();
  await servers.answer(1);
  await all;
  await multicast;
});
