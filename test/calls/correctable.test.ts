import { Code, type Correctable, createClient, QuorateError, QuorumCallError } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import type { EchoResponse } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { holdingCluster, isSettled, rejectionOf } from "./held-cluster.js";

checkLeaks();

/** The states that a correctable yields, each in a word. */
async function statesOf(correctable: Correctable<EchoResponse>): Promise<string[]> {
  const states: string[] = [];
  for await (const { level, value } of correctable) states.push(`${level} ${value?.value}`);
  return states;
}

describe("a correctable of a quorum call", () => {
  it("[CO-01] has a value and is done once its level is reached", async () => {
    await using servers = await holdingCluster(3);
    const correctable = createClient(Test, servers.client).echoQC({ value: "x" }).correctable(2);
    expect(correctable).toMatchObject({ level: 0, value: undefined, done: false, error: undefined });
    await servers.answer(3);
    await correctable.watch(1);
    expect(correctable).toMatchObject({ level: 1, value: { value: "at 3" }, done: false });
    await servers.answer(1);
    expect(await correctable.result()).toMatchObject({ value: "at 1" });
    expect(correctable).toMatchObject({ level: 2, done: true, error: undefined });
    // Nobody waits for the third, which has got its request.
    await eventually(() => servers.client.nodes.every((node) => node.pendingCalls === 0));
    expect((await servers.next(2)).request.value).toBe("x");
  });

  it("[CO-03] tells watchers of a level at once if it is reached, else when it is", async () => {
    await using servers = await holdingCluster(3);
    const correctable = createClient(Test, servers.client).echoQC({}).correctable(3);
    const [first, third] = [correctable.watch(1), correctable.watch(3)];
    expect(await isSettled(first)).toBe(false);
    await servers.answer(2);
    expect(await first).toMatchObject({ level: 1, value: { value: "at 2" }, done: false });
    expect(await isSettled(correctable.watch(1))).toBe(true);
    expect(await isSettled(third)).toBe(false);
    await servers.answer(1, 3);
    expect(await third).toMatchObject({ level: 3, done: true });
  });

  it("[CO-06] [CO-07] goes on out of reach, and releases all watchers with the errors of the nodes at the end", async () => {
    await using servers = await holdingCluster(3);
    const correctable = createClient(Test, servers.client).echoQC({}).correctable(3);
    const watchers = [correctable.watch(1), correctable.watch(2), correctable.watch(7)];
    await servers.answer(1);
    await watchers[0];
    (await servers.next(2)).fail(new QuorateError(Code.NotFound, "no"));
    expect(await isSettled(correctable.watch(2))).toBe(false);
    await servers.answer(3);
    const error = await rejectionOf(correctable.result());
    expect(error).toBeInstanceOf(QuorumCallError);
    expect(error).toMatchObject({ reason: "INCOMPLETE", code: Code.NotFound });
    expect([...(error as QuorumCallError).nodeErrors.keys()]).toEqual([2]);
    const states = await Promise.all(watchers);
    expect(states.map(({ level, done }) => `${level} ${done}`)).toEqual(["1 false", "2 false", "2 true"]);
    expect(await correctable.watch(9)).toMatchObject({ level: 2, done: true, error });
  });

  it("[CO-06] ends with the deadline, which is the cause of its error", async () => {
    await using servers = await holdingCluster(2);
    const correctable = createClient(Test, servers.client).echoQC({}, { timeoutMs: 60 }).correctable(2);
    await servers.answer(1);
    const error = await rejectionOf(correctable.result());
    expect(error).toMatchObject({ code: Code.DeadlineExceeded, reason: "ENDED" });
    expect(correctable).toMatchObject({ level: 1, value: { value: "at 1" }, done: true, error });
  });

  it("yields its states, the last one with its target, and throws what kept it from there", async () => {
    await using servers = await holdingCluster(3);
    const test = createClient(Test, servers.client);
    const states = statesOf(test.echoQC({}).correctable(2));
    for (const node of [3, 1]) {
      await servers.answer(node);
      await eventually(() => servers.client.node(node).pendingCalls === 0);
    }
    expect(await states).toEqual(["1 at 3", "2 at 1"]);
    await servers.next(2);
    const failing = statesOf(test.echoQC({}).correctable(3));
    (await servers.next(1)).fail(new QuorateError(Code.Aborted, "no"));
    await servers.answer(2, 3);
    expect(await rejectionOf(failing)).toMatchObject({ code: Code.Aborted, reason: "INCOMPLETE" });
  });

  it("combines the latest reply of each node, and fails with what `combine` throws", async () => {
    await using servers = await holdingCluster(3);
    const test = createClient(Test, servers.client);
    const all = test.echoQC({}).correctable(3, (replies) => replies.map(({ value }) => value).join());
    for (const node of [2, 3, 1]) {
      await servers.answer(node);
      await eventually(() => servers.client.node(node).pendingCalls === 0);
    }
    expect(await all.result()).toBe("at 2,at 3,at 1");
    const broken = test.echoQC({}).correctable(1, () => {
      throw new QuorateError(Code.DataLoss, "cannot be combined");
    });
    await servers.answer(1);
    expect(await rejectionOf(broken.result())).toMatchObject({ code: Code.DataLoss });
    expect(broken).toMatchObject({ level: 0, done: true });
  });

  it("does not let an unobserved failure disturb anybody", async () => {
    await using servers = await holdingCluster(1);
    const correctable = createClient(Test, servers.client).echoQC({}).correctable(2);
    (await servers.next(1)).reply("alone");
    await eventually(() => correctable.done);
    expect(correctable.error).toMatchObject({ reason: "INCOMPLETE" });
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses %s as a level", async (level) => {
    await using servers = await holdingCluster(1);
    const responses = createClient(Test, servers.client).echoQC({});
    const refused = expect.objectContaining({ code: Code.InvalidArgument });
    expect(() => responses.correctable(level)).toThrow(refused);
    const correctable = responses.correctable(1);
    expect(() => correctable.watch(level)).toThrow(refused);
    await servers.answer(1);
    await correctable.result();
  });

  it("tells of an empty configuration", async () => {
    await using servers = await holdingCluster(1);
    const nobody = servers.client.without(1);
    for (const call of ["echoQC", "echoCorrectable"] as const) {
      const error = await rejectionOf(createClient(Test, nobody)[call]({}).correctable(1).result());
      expect(error).toMatchObject({ code: Code.FailedPrecondition, reason: "EMPTY_CONFIGURATION" });
    }
  });
});

describe.each(["echoQC", "echoCorrectable"] as const)("a correctable over four nodes by %s", (method) => {
  it("[CO-04] reaches level 4, with all the levels before", async () => {
    await using cluster = await createLocalCluster(4, {
      transport: "loopback",
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const client = await cluster.connect();
    const correctable = createClient(Test, client)[method]({ value: "x" }).correctable(4);
    const levels = await Promise.all([1, 2, 3, 4].map((level) => correctable.watch(level)));
    for (const [at, { level, value }] of levels.entries()) {
      expect(level).toBeGreaterThanOrEqual(at + 1);
      expect(value?.value).toMatch(/^echo: x/);
    }
    expect((await correctable.result()).value).toMatch(/^echo: x/);
    expect(correctable).toMatchObject({ level: 4, done: true, error: undefined });
    await eventually(() => client.nodes.every((node) => node.pendingCalls === 0));
  });
});
