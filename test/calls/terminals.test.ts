import { Code, createClient, QuorateError, QuorumCallError } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { holdingCluster, isSettled, rejectionOf } from "./held-cluster.js";

checkLeaks();

describe.each(transports)("the terminals of a quorum call, on %s", (transport) => {
  const echoCluster = () =>
    createLocalCluster(3, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });

  it.each(["first", "majority", "all"] as const)(
    "[QC-01] %s resolves with the echo of 3 servers",
    async (terminal) => {
      await using cluster = await echoCluster();
      const test = createClient(Test, await cluster.connect());
      expect((await test.echoQC({ value: "test" })[terminal]()).value).toBe("echo: test");
    },
  );

  it("[AS-01] are promises, which can be made first and awaited later, each of a call of its own", async () => {
    await using cluster = await echoCluster();
    const test = createClient(Test, await cluster.connect());
    const first = test.echoQC({ value: "test" }).first();
    const majority = test.echoQC({ value: "test" }).majority();
    const all = test.echoQC({ value: "test" }).all();
    const values = (await Promise.all([all, majority, first])).map(({ value }) => value);
    expect(values).toEqual(["echo: test", "echo: test", "echo: test"]);
  });

  it("[QC-15] give the reply of the generated service, whose servers answer with the length of a text", async () => {
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router) =>
        router.service(Test, { ...echoHandlers(), echoQC: ({ value }) => ({ server: value.length }) }),
    });
    const test = createClient(Test, await cluster.connect());
    expect((await test.echoQC({ value: "test" }).majority()).server).toBe(4);
    expect((await test.echoQC({ value: "test" }).all()).server).toBe(4);
    expect((await test.echoQC({ value: "hello" }).threshold(2)).server).toBe(5);
  });

  it("[QC-04] first fails as incomplete when every node fails, whether it refuses or is away", async () => {
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router, node) =>
        router.service(Test, {
          ...echoHandlers(),
          echoQC: () => Promise.reject(new QuorateError(Code.NotFound, `nothing at ${node}`)),
        }),
    });
    const client = await connected(cluster.connect());
    const refused = await rejectionOf(createClient(Test, client).echoQC({}).first());
    expect(refused).toBeInstanceOf(QuorumCallError);
    expect(refused).toMatchObject({ reason: "INCOMPLETE", code: Code.NotFound });
    expect([...(refused as QuorumCallError).nodeErrors.keys()].sort((a, b) => a - b)).toEqual([1, 2, 3]);
    await Promise.all([1, 2, 3].map((node) => serverAt(cluster, node).close()));
    await eventually(() => client.nodes.every((node) => !node.connected));
    const away = await rejectionOf(createClient(Test, client).echoQC({}).first());
    expect(away).toMatchObject({ reason: "INCOMPLETE", code: Code.Unavailable });
    expect((away as QuorumCallError).nodeErrors.size).toBe(3);
  });
});

describe("the promise of a terminal", () => {
  it("[AS-03] is of a call that is sent at once, behind those made before, and gets its own reply", async () => {
    await using servers = await holdingCluster(3);
    const { client } = servers;
    const test = createClient(Test, client);
    const first = test.echoQC({ value: "first" }).all();
    const second = test.echoQC({ value: "second" }).all();
    // Nothing has been awaited since.
    expect(client.nodes.map(({ pendingCalls }) => pendingCalls)).toEqual([2, 2, 2]);
    for (const node of client.ids) {
      const held = [await servers.next(node), await servers.next(node)];
      expect(held.map(({ request }) => request.value)).toEqual(["first", "second"]);
      // The later one is answered first.
      for (const one of held.toReversed()) one.reply(`reply to ${one.request.value}`);
    }
    expect((await second).value).toBe("reply to second");
    expect((await first).value).toBe("reply to first");
  });

  it("[AS-04] is settled once the result is there, and gives it however often it is asked", async () => {
    await using servers = await holdingCluster(3);
    const majority = createClient(Test, servers.client).echoQC({}).majority();
    await servers.answer(2);
    expect(await isSettled(majority)).toBe(false);
    await servers.answer(3);
    const reply = await majority;
    expect(await isSettled(majority)).toBe(true);
    expect(await majority).toBe(reply);
    expect(await majority.then(({ value }) => value)).toBe("at 2");
  });
});

describe("a quorum call in virtual time", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("[QC-17] is made, answered and ended by it, without a wait of real time", async () => {
    vi.useFakeTimers({
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"],
    });
    await using servers = await holdingCluster(3);
    const test = createClient(Test, servers.client);
    const majority = test.echoQC({}).majority();
    const later = test.echoQC({}).all((replies) => replies.map(({ value }) => value));
    await servers.answer(1, 2, 3);
    expect((await majority).value).toBe("at 1");
    // Answered after an hour of it, and within the deadline of the next.
    const late = test.echoQC({}, { timeoutMs: 7_200_000 }).first();
    await vi.advanceTimersByTimeAsync(29_999);
    expect(await isSettled(later)).toBe(false);
    await vi.advanceTimersByTimeAsync(10);
    expect(await rejectionOf(later)).toMatchObject({ code: Code.DeadlineExceeded });
    await vi.advanceTimersByTimeAsync(3_600_000);
    for (const node of [1, 2, 3]) (await servers.next(node)).reply("too late");
    await servers.answer(2);
    expect((await late).value).toBe("at 2");
  });
});
