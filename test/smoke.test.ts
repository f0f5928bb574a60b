import { createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { Callback, Test } from "./gen/test/v1/test_quorate.js";
import { checkLeaks } from "./helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "./helpers/test-service.js";

checkLeaks();

describe.each(["memory", "loopback"] as const)("three servers and a client, on %s", (transport) => {
  it("call each other in both directions", async () => {
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router, nodeId) =>
        router.service(Test, {
          ...echoHandlers(nodeId),
          echoRPC: async ({ value }, context) => {
            const ids = await createClient(Test, context.peers)
              .echoQC({ value })
              .all((replies) => replies.map((reply) => reply.server).sort((a, b) => a - b));
            const { value: asked } = await createClient(Callback, context.clients).askAll({ value }).first();
            return { value: `${ids.join()} ${asked}` };
          },
        }),
    });
    const configuration = await cluster.connect({
      routes: (router) => router.service(Callback, callbackHandlers()),
    });
    const reply = await createClient(Test, configuration.node(2)).echoRPC({ value: "hello" });
    expect(reply.value).toBe("1,2,3 asked: hello");
  });
});
