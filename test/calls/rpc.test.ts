import { createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { transports } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { holdingCluster, isSettled } from "./held-cluster.js";

checkLeaks();

describe.each(transports)("rpcs at the same time, on %s", (transport) => {
  it.each([
    { maxQueuedRequests: 1 },
    { maxQueuedRequests: 2, maxQueuedBytes: 1 },
    { maxQueuedRequests: 16 },
    {},
  ])("[RPC-05] [RPC-08] all succeed, with %j", async (limits) => {
    await using cluster = await createLocalCluster(1, {
      transport,
      ...limits,
      routes: (router) => router.service(Test, echoHandlers(1)),
    });
    const test = createClient(Test, (await cluster.connect()).node(1));
    const values = Array.from({ length: 100 }, (_, at) => String(at));
    const replies = await Promise.all(values.map((value) => test.echoRPC({ value })));
    expect(replies.map(({ value }) => value)).toEqual(values.map((value) => `echo: ${value}`));
  });
});

it("[PL-05] each gets its own reply, in whatever order they come", async () => {
  await using servers = await holdingCluster(1);
  const test = createClient(Test, servers.client.node(1));
  const calls = ["a", "b", "c"].map((value) => test.echoRPC({ value }));
  const held = [await servers.next(1), await servers.next(1), await servers.next(1)];
  held[2]?.reply("for c");
  expect((await calls[2])?.value).toBe("for c");
  expect(await Promise.all(calls.slice(0, 2).map(isSettled))).toEqual([false, false]);
  held[0]?.reply("for a");
  held[1]?.reply("for b");
  expect((await Promise.all(calls)).map(({ value }) => value)).toEqual(["for a", "for b", "for c"]);
  expect(servers.client.node(1).pendingCalls).toBe(0);
});
