import { Code, createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";

checkLeaks();

describe("a server that is closing", () => {
  it("takes no requests on a stream that it opens again meanwhile either", async () => {
    let unblock = () => {};
    const unblocked = new Promise<void>((resolve) => {
      unblock = resolve;
    });
    let started = () => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    await using cluster = await createLocalCluster(2, {
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoPlain: async () => {
            started();
            await unblocked;
            return {};
          },
        }),
    });
    const [first, second] = cluster.servers;
    if (first === undefined || second === undefined) throw new Error("a server is missing");
    // The server's call to itself holds its close up, whatever becomes of the streams.
    const held = createClient(Test, first.configuration.node(1)).echoPlain({});
    await running;
    const closed = first.close();
    cluster.network.breakStreams(second.address);
    await second.waitForPeers(({ size }) => size === 1);
    await second.waitForPeers(2);
    const refused = createClient(Test, second.peers.node(1)).echoRPC({ value: "late" });
    await expect(refused).rejects.toMatchObject({ code: Code.Unavailable, reason: "SERVER_CLOSING" });
    unblock();
    await held;
    await closed;
  });
});
