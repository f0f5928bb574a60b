import { connect, createClient, createServer } from "quorate";
import { describe, expect, it } from "vitest";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { deadAddress } from "../transport/raw-peers.js";

checkLeaks();

describe("whoever listens only, and makes no call", () => {
  it("[W-08] is there for a server that was not there when it connected, and again after each restart", async () => {
    const address = await deadAddress();
    let failures = 0;
    await using configuration = await connect({
      nodes: [address],
      backoff: { minMs: 5, maxMs: 20 },
      routes: (router) => router.service(Callback, callbackHandlers()),
      onEvent: ({ kind }) => {
        if (kind === "connectFailed") failures += 1;
      },
    });
    for (let round = 0; round < 3; round++) {
      const before = failures;
      await eventually(() => failures > before, "an attempt in vain");
      await using server = await createServer({ address });
      await server.waitForClients(1, { timeoutMs: 5_000 });
      const asked = createClient(Callback, server.clients)
        .askAll({ value: String(round) })
        .all();
      await expect(asked).resolves.toMatchObject({ value: `asked: ${round}` });
    }
    expect(configuration.size).toBe(1);
  });

  it("[W-08] is there as a replica, however late the others start", async () => {
    const addresses = [await deadAddress(), await deadAddress(), await deadAddress()];
    const failed: number[] = [];
    const start = (nodeId: number) =>
      createServer({
        nodes: addresses,
        nodeId,
        // Ten minutes: only the stream of a replica that has started tells the others of it.
        backoff: { minMs: 600_000, maxMs: 600_000 },
        routes: (router) => router.service(Test, echoHandlers(nodeId)),
        onEvent: ({ kind }) => {
          if (kind === "connectFailed") failed.push(nodeId);
        },
      });
    await using first = await start(1);
    await eventually(() => failed.length === 2, "both attempts of the first");
    await using second = await start(2);
    await eventually(() => failed.length === 3, "the attempt of the second");
    await using third = await start(3);
    const servers = [first, second, third];
    await Promise.all(servers.map((server) => server.waitForPeers(3, { timeoutMs: 5_000 })));
    for (const { peers, configuration } of servers) {
      for (const all of [peers, configuration]) {
        await eventually(() => all.nodes.every((node) => node.connected), "all streams");
        const asked = createClient(Test, all).echoQC({ value: "you" });
        expect(
          await asked.all((replies) => replies.map(({ server }) => server).sort((a, b) => a - b)),
        ).toEqual([1, 2, 3]);
      }
    }
    expect(failed).toEqual([1, 1, 2]);
  });
});
