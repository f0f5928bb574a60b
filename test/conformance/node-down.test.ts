import { Code, createClient, QuorumCallError } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { failureOf, nodeAt } from "./kinds.js";
import { serverAt, transports, ways } from "./stages.js";

checkLeaks();

/** Long enough to fail the test: none of these calls may wait for it. */
const patient = { timeoutMs: Number.POSITIVE_INFINITY };

describe.each(transports)("one of three nodes is down, on %s", (transport) => {
  describe.each(ways)("$name", (way) => {
    it("[RPC-02] [QC-09] [MC-03] fail at once there, and go on elsewhere", async () => {
      await using stage = await way.open(transport);
      const { targets } = stage;
      await stage.takeDown();
      const last = nodeAt(targets, -1);
      await stage.run(async () => {
        const node = createClient(Test, last);
        const configuration = createClient(Test, targets);
        expect(await failureOf(node.echoRPC({}, patient))).toMatchObject({ code: Code.Unavailable });
        expect(await failureOf(node.echoUnicast({}, patient))).toMatchObject({ code: Code.Unavailable });
        await expect(node.echoUnicast({}, { ...patient, ignoreErrors: true })).resolves.toBeUndefined();
        await expect(
          configuration.echoMulticast({}, { ...patient, ignoreErrors: true }),
        ).resolves.toBeUndefined();
        await expect(configuration.echoQC({ value: "x" }, patient).majority()).resolves.toMatchObject({
          value: "echo: x",
        });
        const all = await configuration
          .echoQC({}, patient)
          .all()
          .catch((error: unknown) => error);
        expect(all).toBeInstanceOf(QuorumCallError);
        expect(all).toMatchObject({ code: Code.Unavailable, reason: "INCOMPLETE" });
        expect([...((all as QuorumCallError).nodeErrors.keys() ?? [])]).toEqual([last.id]);
        const sent = await configuration.echoMulticast({}, patient).catch((error: unknown) => error);
        expect(sent).toMatchObject({ code: Code.Unavailable, reason: "SEND_FAILURE" });
        expect([...(sent as QuorumCallError).nodeErrors.keys()]).toEqual([last.id]);
      });
      expect(last.pendingCalls).toBe(0);
      expect(last.connected).toBe(false);
    });
  });

  it("waitForReady waits for a server that comes back, within the deadline", async () => {
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const client = await cluster.connect({ backoff: { minMs: 10, maxMs: 20 } });
    const test = createClient(Test, client.node(1));
    await test.echoRPC({});
    await serverAt(cluster, 1).close();
    await eventually(() => failureOf(test.echoRPC({})).then(({ reason }) => reason === "NOT_CONNECTED"));
    const late = await failureOf(test.echoRPC({}, { waitForReady: true, timeoutMs: 50 }));
    expect(late.code).toBe(Code.DeadlineExceeded);
    const waiting = [
      test.echoRPC({ value: "1" }, { waitForReady: true }).then(({ value }) => value),
      createClient(Test, client)
        .echoQC({ value: "2" }, { waitForReady: true })
        .first()
        .then(({ value }) => value),
      test.echoUnicast({ value: "3" }, { waitForReady: true }),
      createClient(Test, client).echoMulticast({ value: "4" }, { waitForReady: true }),
    ];
    expect(client.node(1).pendingCalls).toBe(4);
    await cluster.restart(1);
    expect(await Promise.all(waiting)).toEqual(["echo: 1", "echo: 2", undefined, undefined]);
  });
});
