import { Code, createClient, QuorateError } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { serverAt } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { type HeldCluster, holdingCluster, isSettled, rejectionOf } from "./held-cluster.js";

checkLeaks();

/** A round trip: what was answered before it has been routed when it is over. */
async function roundTrip({ client, answer }: HeldCluster): Promise<void> {
  for (const id of client.ids) {
    const call = createClient(Test, client.node(id)).echoRPC({ value: "round trip" });
    await answer(id);
    await call;
  }
}

describe("a quorum call", () => {
  it.each([
    { terminal: "first", size: 3, needed: 1 },
    { terminal: "majority", size: 1, needed: 1 },
    { terminal: "majority", size: 2, needed: 2 },
    { terminal: "majority", size: 3, needed: 2 },
    { terminal: "majority", size: 4, needed: 3 },
    { terminal: "majority", size: 5, needed: 3 },
    { terminal: "all", size: 4, needed: 4 },
    { terminal: "threshold", size: 4, needed: 2 },
  ] as const)(
    "[QC-02] [QC-03] $terminal of $size nodes resolves with the first of $needed replies, not before",
    async ({ terminal, size, needed }) => {
      await using servers = await holdingCluster(size);
      const responses = createClient(Test, servers.client).echoQC({ value: "x" });
      const result = terminal === "threshold" ? responses.threshold(needed) : responses[terminal]();
      // From the last node to the first: it is the arrival that counts, not the order of the nodes.
      const order = servers.client.ids.toReversed().slice(0, needed);
      const last = order.pop();
      await servers.answer(...order);
      const others = servers.client.ids.filter((id) => id !== last && !order.includes(id));
      await eventually(() => others.every((id) => servers.held(id).length > 0));
      expect(await isSettled(result)).toBe(false);
      if (last !== undefined) await servers.answer(last);
      expect((await result).value).toBe(`at ${size}`);
    },
  );

  it.each(["majority", "all"] as const)(
    "%s hands the replies that it waited for to `combine`, by arrival",
    async (terminal) => {
      await using servers = await holdingCluster(3);
      const { client, answer } = servers;
      const responses = createClient(Test, client).echoQC({});
      const result = responses[terminal]((replies) => replies.map(({ value }) => value));
      for (const id of [3, 1, 2]) {
        await answer(id);
        await eventually(() => client.node(id).pendingCalls === 0);
      }
      expect(await result).toEqual(terminal === "all" ? ["at 3", "at 1", "at 2"] : ["at 3", "at 1"]);
    },
  );

  it("threshold hands `combine` exactly as many replies as it asked for", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({});
    const counts = [1, 2, 3].map((count) => responses.threshold(count, ({ length }) => length));
    await servers.answer(1, 2, 3);
    expect(await Promise.all(counts)).toEqual([1, 2, 3]);
  });

  it("[IT-07] makes of its replies what it is asked for: a reply, a list, a count, or nothing at the first error", async () => {
    await using servers = await holdingCluster(3);
    const test = createClient(Test, servers.client);
    const responses = test.echoQC({});
    const longest = responses.all((replies) => replies.reduce((a, b) => (a.value > b.value ? a : b)));
    const list = responses.all((replies) => replies.map(({ value }) => value));
    const count = responses.majority(({ length }) => length);
    const later = responses.all(async ([reply]) => reply?.value);
    const failing = responses.majority(() => {
      throw new RangeError("no two are equal");
    });
    await servers.answer(1, 3, 2);
    expect((await longest).value).toBe("at 3");
    expect((await list).toSorted()).toEqual(["at 1", "at 2", "at 3"]);
    expect(await count).toBe(2);
    expect(await later).toMatch(/^at \d$/);
    await expect(failing).rejects.toThrow(new RangeError("no two are equal"));
    const untilFirstError = async () => {
      for await (const response of test.echoQC({})) if (!response.ok) return response.error;
      return undefined;
    };
    const error = untilFirstError();
    (await servers.next(2)).fail(new QuorateError(Code.Aborted, "no"));
    expect(await error).toMatchObject({ code: Code.Aborted, message: "no" });
  });

  it("is sent when it is made, whether or not anybody looks at it", async () => {
    await using servers = await holdingCluster(3);
    createClient(Test, servers.client).echoQC({ value: "unobserved" });
    for (const id of [1, 2, 3]) expect((await servers.next(id)).request.value).toBe("unobserved");
  });

  it("[QC-11] is sent once for any number of terminals, now and later", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({});
    const early = [responses.first(), responses.majority(), responses.all(), responses.threshold(2)];
    await servers.answer(1, 2, 3);
    const values = (await Promise.all(early)).map(({ value }) => value);
    expect(new Set(values).size).toBe(1);
    const late = [responses.first(), responses.majority(), responses.all()];
    expect((await Promise.all(late)).map(({ value }) => value)).toEqual(values.slice(0, 3));
    await roundTrip(servers);
    expect([1, 2, 3].flatMap((id) => servers.held(id))).toEqual([]);
  });

  it("[W-03] whose request cannot be encoded fails every way of looking at it", async () => {
    await using servers = await holdingCluster(2);
    const responses = createClient(Test, servers.client).echoQC({ delayMs: -1 });
    for (const terminal of [responses.first(), responses.all(), responses.threshold(9)]) {
      const error = await rejectionOf(terminal);
      expect(error.code).toBe(Code.InvalidArgument);
      expect(error.message).toMatch(/the request of test\.v1\.Test\.EchoQC cannot be encoded/);
    }
    await expect(responses[Symbol.asyncIterator]().next()).rejects.toThrow(/cannot be encoded/);
    await roundTrip(servers);
    expect([1, 2].flatMap((id) => servers.held(id))).toEqual([]);
  });

  it.each([0, -1, 1.5, Number.NaN, "2"])("refuses the threshold %s", async (count) => {
    await using servers = await holdingCluster(1);
    const responses = createClient(Test, servers.client).echoQC({});
    expect(() => responses.threshold(count as number)).toThrow(/a threshold is an integer from 1 on/);
    await servers.answer(1);
    await responses.all();
  });

  it("fails a threshold above the number of nodes at once", async () => {
    await using servers = await holdingCluster(3);
    const error = await rejectionOf(createClient(Test, servers.client).echoQC({}).threshold(4));
    expect(error).toMatchObject({ code: Code.Unavailable, reason: "INCOMPLETE" });
    expect(error.message).toContain("0 of 4 replies from 3 nodes");
  });

  it("[IT-10] knows the size of its configuration", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client.without(2)).echoQC({});
    expect(responses.size).toBe(2);
    await servers.answer(1, 3);
    await responses.all();
  });

  it("[QC-16] may follow another at once, 500 times, on a symmetric configuration", async () => {
    await using cluster = await createLocalCluster(3, {
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const server = serverAt(cluster, 1);
    const test = createClient(Test, server.configuration);
    for (let round = 0; round < 500; round++) {
      await test.echoQC({}, { timeoutMs: 5_000 }).majority();
      await test.echoQC({}, { timeoutMs: 5_000 }).all();
    }
    expect(server.configuration.nodes.map((node) => node.pendingCalls)).toEqual([0, 0, 0]);
  });
});
