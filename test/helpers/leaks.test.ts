import { connect, createClient, createServer } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { deadlineAfter, scheduleDeadline } from "../../internal/util/deadlines.js";
import { transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "./eventually.js";
import { leakedSince, openResources } from "./leaks.js";
import { callbackHandlers, echoHandlers } from "./test-service.js";

describe("the leak check", () => {
  it.each(transports)(
    "[LC-22] finds nothing once clients and servers are closed, on %s",
    async (transport) => {
      const before = openResources();
      const cluster = await createLocalCluster(3, {
        transport,
        routes: (router) => router.service(Test, echoHandlers()),
      });
      const client = await cluster.connect({
        routes: (router) => router.service(Callback, callbackHandlers()),
      });
      await createClient(Test, client).echoQC({}).all();
      // Calls that nobody awaits, and deadlines that are far away.
      void createClient(Test, client).echoQC({}, { timeoutMs: 3_600_000 });
      expect(leakedSince(before)).not.toEqual([]);
      await client.close();
      await cluster.close();
      await eventually(() => leakedSince(before).length === 0);
      expect(leakedSince(before)).toEqual([]);
    },
  );

  it("finds a server, a connection and a deadline that were left open", async () => {
    const before = openResources();
    const server = await createServer({ address: "127.0.0.1:0" });
    expect(leakedSince(before).join()).toContain("TCPServerWrap: ");
    const client = await connect({ nodes: [server.address] });
    await eventually(() => client.node(1).connected);
    expect(leakedSince(before).join()).toContain("TCPSocketWrap: ");
    await client.close();
    await server.close();
    const cancel = scheduleDeadline(deadlineAfter(60_000), () => {});
    expect(leakedSince(before)).toContain("deadlines: 1 (0 before)");
    cancel();
    await eventually(() => leakedSince(before).length === 0);
  });
});
